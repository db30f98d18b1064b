//! Bounds the duration of a whole request.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::Request;
use axum::response::IntoResponse;
use pin_project_lite::pin_project;
use telemetry::metrics::Metrics;
use tokio::time::Sleep;

use super::around::{Around, ResponseFuture};
use crate::problem::{Kind, Problem};

#[derive(Clone, Debug)]
pub(crate) struct Timeout {
    pub(crate) limit: Duration,
    pub(crate) metrics: Arc<Metrics>,
}

impl Around for Timeout {
    type Future<F: ResponseFuture> = TimeoutFuture<F>;

    fn call<F: ResponseFuture>(
        &self,
        request: Request,
        inner: impl FnOnce(Request) -> F,
    ) -> TimeoutFuture<F> {
        TimeoutFuture { timeout: self.clone(), inner: inner(request), deadline: None }
    }
}

pin_project! {
    #[derive(Debug)]
    pub(crate) struct TimeoutFuture<F> {
        timeout: Timeout,
        #[pin]
        inner: F,
        // Set only if the response is not ready at once: most are, and a timer costs as much as a small handler.
        deadline: Option<Pin<Box<Sleep>>>,
    }
}

impl<F: ResponseFuture> Future for TimeoutFuture<F> {
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
    use std::convert::Infallible;

    use axum::response::Response;
    use tower::{Layer, ServiceExt, service_fn};

    use super::super::around::layer;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_response_that_takes_too_long_is_a_problem_and_counted() {
        let metrics = Arc::new(Metrics::new(telemetry::metrics::Labels::default()).unwrap());
        let handler = service_fn(|request: Request| async move {
            let seconds = request.uri().path().trim_start_matches('/').parse().unwrap();
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Ok::<_, Infallible>(Response::default())
        });
        let timeout = Timeout { limit: Duration::from_secs(30), metrics: Arc::clone(&metrics) };
        let service = layer(timeout).layer(handler);
        for (path, status) in [("/0", 200), ("/29", 200), ("/31", 408)] {
            let request = http::Request::get(path).body(axum::body::Body::empty()).unwrap();
            let Ok(response) = service.clone().oneshot(request).await;
            assert_eq!(response.status(), status, "{path}");
        }
        assert_eq!(metrics.timeouts.get(), 1);
    }
}
