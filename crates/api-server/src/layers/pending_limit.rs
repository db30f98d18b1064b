//! Waits for Redis where it decides whether a request is allowed, which no other layer does. Most requests pass at once.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use pin_project_lite::pin_project;
use rate_limit::LimitStatus;
use tower::layer::layer_fn;
use tower::{Layer, Service, ServiceExt as _};

use super::around::ResponseFuture;
use crate::problem::Problem;

type Decision = Pin<Box<dyn Future<Output = Result<LimitStatus, Problem>> + Send>>;

/// A decision that a request waits for. Extensions of a request are shared and cloned, which a future cannot be.
#[derive(Clone)]
struct Pending(Arc<Mutex<Option<Decision>>>);

/// Makes the request wait for this decision. The returned status holds until then.
pub(super) fn attach(
    request: &mut Request,
    decide: impl Future<Output = Result<LimitStatus, Problem>> + Send + 'static,
) -> LimitStatus {
    request.extensions_mut().insert(Pending(Arc::new(Mutex::new(Some(Box::pin(decide))))));
    LimitStatus { remaining: 0, reset_s: 1 }
}

/// The layer, directly inside those that limit. Without shared limits no request waits.
pub(super) fn layer<S>(is_shared: bool) -> impl Layer<S, Service = PendingLimit<S>> {
    layer_fn(move |inner| PendingLimit { is_shared, inner })
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct PendingLimit<S> {
    is_shared: bool,
    inner: S,
}

impl<S> Service<Request> for PendingLimit<S>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: ResponseFuture + Send>
        + Clone
        + Send
        + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = PendingFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let pending = if self.is_shared { request.extensions_mut().remove::<Pending>() } else { None };
        let decision = pending
            .and_then(|Pending(decision)| decision.lock().unwrap_or_else(PoisonError::into_inner).take());
        match decision {
            None => PendingFuture::Passes { inner: self.inner.call(request) },
            Some(decision) => {
                let decided = decide(decision, self.inner.clone(), request);
                PendingFuture::Waits { decided: Box::pin(decided) }
            }
        }
    }
}

async fn decide<S>(decision: Decision, inner: S, request: Request) -> Result<Response, Infallible>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    match decision.await {
        Ok(status) => {
            let mut response = inner.oneshot(request).await?;
            // A request that cost more has noted its status already.
            if response.extensions().get::<LimitStatus>().is_none() {
                response.extensions_mut().insert(status);
            }
            Ok(response)
        }
        Err(problem) => Ok(problem.into_response()),
    }
}

pin_project! {
    #[project = Projected]
    pub(crate) enum PendingFuture<F> {
        Passes { #[pin] inner: F },
        Waits { decided: Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>> },
    }
}

impl<F: ResponseFuture> Future for PendingFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            Projected::Passes { inner } => inner.poll(context),
            Projected::Waits { decided } => decided.as_mut().poll(context),
        }
    }
}
