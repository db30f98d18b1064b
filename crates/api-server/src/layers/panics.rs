//! Turns a panic into an answer, so that a fault in one handler costs one request and not the connection.

use std::any::Any;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::metrics::Metrics;
use crate::problem::{Kind, Problem};

/// The layer.
#[derive(Clone, Debug)]
pub struct Panics {
    /// Where to count.
    pub metrics: Arc<Metrics>,
}

impl<S> Layer<S> for Panics {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Guarded { panics: self.clone(), inner }
    }
}

/// A service whose panics are answers.
#[derive(Clone, Debug)]
pub struct Guarded<S> {
    panics: Panics,
    inner: S,
}

impl<S> Service<Request> for Guarded<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = GuardedFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The request is lost with the panic, and the router is shared and immutable: nothing half-changed is seen again.
        let called = catch_unwind(AssertUnwindSafe(|| self.inner.call(request)));
        GuardedFuture { panics: self.panics.clone(), inner: called.ok() }
    }
}

pin_project! {
    /// The answer of a [`Guarded`] service; `None` when it panicked before it had a future.
    #[derive(Debug)]
    pub struct GuardedFuture<F> {
        panics: Panics,
        #[pin]
        inner: Option<F>,
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for GuardedFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let inner = this.inner.as_pin_mut();
        let polled: Result<_, Box<dyn Any + Send>> = match inner {
            Some(inner) => catch_unwind(AssertUnwindSafe(|| inner.poll(context))),
            None => Err(Box::new("before its future")),
        };
        // What the panic said is in the log, by the panic hook; the client must not read it.
        polled.unwrap_or_else(|_message| {
            this.panics.metrics.panics.inc();
            Poll::Ready(Ok(Problem::new(Kind::Internal, "the service made a mistake").into_response()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tower::{ServiceExt, service_fn};

    #[tokio::test]
    async fn a_panic_is_counted_and_answered_and_the_service_lives_on() {
        let metrics = Arc::new(Metrics::new([]).unwrap());
        let handler = service_fn(|request: Request| async move {
            assert_ne!(request.uri().path(), "/panic");
            Ok::<_, Infallible>(Response::default())
        });
        let service = Panics { metrics: Arc::clone(&metrics) }.layer(handler);
        for (path, status) in [("/panic", 500), ("/fine", 200), ("/panic", 500)] {
            let request = http::Request::get(path).body(axum::body::Body::empty()).unwrap();
            let Ok(response) = service.clone().oneshot(request).await;
            assert_eq!(response.status(), status, "{path}");
        }
        assert_eq!(metrics.panics.get(), 2);
    }
}
