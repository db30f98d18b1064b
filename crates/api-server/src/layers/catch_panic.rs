//! Turns a panic into a response, so that a bug in a handler fails one request and not the connection.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::IntoResponse;
use pin_project_lite::pin_project;
use telemetry::metrics::Metrics;

use super::around::{Around, ResponseFuture};
use crate::problem::{Kind, Problem};

#[derive(Clone, Debug)]
pub(crate) struct CatchPanic {
    pub(crate) metrics: Arc<Metrics>,
}

impl Around for CatchPanic {
    type Future<F: ResponseFuture> = CatchPanicFuture<F>;

    fn call<F: ResponseFuture>(
        &self,
        request: Request,
        inner: impl FnOnce(Request) -> F,
    ) -> CatchPanicFuture<F> {
        // The request is lost with the panic, and the router is shared and immutable: no half-changed state is used again.
        let called = catch_unwind(AssertUnwindSafe(|| inner(request)));
        CatchPanicFuture { metrics: Arc::clone(&self.metrics), inner: called.ok() }
    }
}

pin_project! {
    #[derive(Debug)]
    pub(crate) struct CatchPanicFuture<F> {
        metrics: Arc<Metrics>,
        // `None` if the service panicked before it had a future.
        #[pin]
        inner: Option<F>,
    }
}

impl<F: ResponseFuture> Future for CatchPanicFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let inner = this.inner.as_pin_mut();
        let polled: Result<_, Box<dyn Any + Send>> = match inner {
            Some(inner) => catch_unwind(AssertUnwindSafe(|| inner.poll(context))),
            None => Err(Box::new("no future")),
        };
        // The panic hook logs the message, which clients must not see.
        polled.unwrap_or_else(|_message| {
            this.metrics.panics.inc();
            Poll::Ready(Ok(Problem::new(Kind::Internal, "internal error").into_response()))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::response::Response;
    use tower::{Layer, ServiceExt, service_fn};

    use super::super::around::layer;
    use super::*;

    #[tokio::test]
    async fn a_panic_is_counted_and_becomes_a_response_and_the_service_continues() {
        let metrics = Arc::new(Metrics::new(telemetry::metrics::Labels::default()).unwrap());
        let handler = service_fn(|request: Request| async move {
            assert_ne!(request.uri().path(), "/panic");
            Ok::<_, Infallible>(Response::default())
        });
        let service = layer(CatchPanic { metrics: Arc::clone(&metrics) }).layer(handler);
        for (path, status) in [("/panic", 500), ("/fine", 200), ("/panic", 500)] {
            let request = http::Request::get(path).body(axum::body::Body::empty()).unwrap();
            let Ok(response) = service.clone().oneshot(request).await;
            assert_eq!(response.status(), status, "{path}");
        }
        assert_eq!(metrics.panics.get(), 2);
    }
}
