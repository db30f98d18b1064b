//! Bounds the duration of a whole request.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use pin_project_lite::pin_project;
use telemetry::metrics::Metrics;
use tokio::time::Sleep;
use tower::{Layer, Service};

use crate::problem::{Kind, Problem};

#[derive(Clone, Debug)]
pub(crate) struct Timeout {
    pub(crate) limit: Duration,
    pub(crate) metrics: Arc<Metrics>,
}

impl<S> Layer<S> for Timeout {
    type Service = TimeoutService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TimeoutService { timeout: self.clone(), inner }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct TimeoutService<S> {
    timeout: Timeout,
    inner: S,
}

impl<S> Service<Request> for TimeoutService<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = TimeoutFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        TimeoutFuture { timeout: self.timeout.clone(), inner: self.inner.call(request), deadline: None }
    }
}

pin_project! {
    #[derive(Debug)]
    pub(crate) struct TimeoutFuture<F> {
        timeout: Timeout,
        #[pin]
        inner: F,
        // Set only when the response is not ready at once: most are, and a timer costs as much as a small handler.
        deadline: Option<Pin<Box<Sleep>>>,
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for TimeoutFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(response) = this.inner.poll(context) {
            return Poll::Ready(response);
        }
        let limit = this.timeout.limit;
        let deadline = this.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        deadline.as_mut().poll(context).map(|()| {
            this.timeout.metrics.timeouts.inc();
            let detail = format!("the request took longer than {} s", limit.as_secs_f64());
            Ok(Problem::new(Kind::Timeout, detail).into_response())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tower::{ServiceExt, service_fn};

    #[tokio::test(start_paused = true)]
    async fn a_response_that_takes_too_long_is_a_problem_and_counted() {
        let metrics = Arc::new(Metrics::new(telemetry::metrics::Labels::default()).unwrap());
        let handler = service_fn(|request: Request| async move {
            let seconds = request.uri().path().trim_start_matches('/').parse().unwrap();
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Ok::<_, Infallible>(Response::default())
        });
        let service =
            Timeout { limit: Duration::from_secs(30), metrics: Arc::clone(&metrics) }.layer(handler);
        for (path, status) in [("/0", 200), ("/29", 200), ("/31", 408)] {
            let request = http::Request::get(path).body(axum::body::Body::empty()).unwrap();
            let Ok(response) = service.clone().oneshot(request).await;
            assert_eq!(response.status(), status, "{path}");
        }
        assert_eq!(metrics.timeouts.get(), 1);
    }
}
