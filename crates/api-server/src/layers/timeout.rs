//! Bounds the time of a whole request.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use pin_project_lite::pin_project;
use tokio::time::Sleep;
use tower::{Layer, Service};

use crate::metrics::Metrics;
use crate::problem::{Kind, Problem};

/// The layer.
#[derive(Clone, Debug)]
pub struct Timeout {
    /// Longest time for an answer.
    pub limit: Duration,
    /// Where to count.
    pub metrics: Arc<Metrics>,
}

impl<S> Layer<S> for Timeout {
    type Service = Timed<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Timed { timeout: self.clone(), inner }
    }
}

/// A service whose answers are on time.
#[derive(Clone, Debug)]
pub struct Timed<S> {
    timeout: Timeout,
    inner: S,
}

impl<S> Service<Request> for Timed<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = TimedFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        TimedFuture { timeout: self.timeout.clone(), inner: self.inner.call(request), alarm: None }
    }
}

pin_project! {
    /// The answer of a [`Timed`] service.
    #[derive(Debug)]
    pub struct TimedFuture<F> {
        timeout: Timeout,
        #[pin]
        inner: F,
        // Set only when the answer is not there at once: most are, and a timer costs as much as a small handler.
        alarm: Option<Pin<Box<Sleep>>>,
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for TimedFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(answer) = this.inner.poll(context) {
            return Poll::Ready(answer);
        }
        let limit = this.timeout.limit;
        let alarm = this.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        alarm.as_mut().poll(context).map(|()| {
            this.timeout.metrics.timeouts.inc();
            let detail = format!("the request was not answered within {} s", limit.as_secs_f64());
            Ok(Problem::new(Kind::Timeout, detail).into_response())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tower::{ServiceExt, service_fn};

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_takes_too_long_is_a_problem_and_counted() {
        let metrics = Arc::new(Metrics::new([]).unwrap());
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
