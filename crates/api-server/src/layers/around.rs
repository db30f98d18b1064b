//! The tower service of layers that act around the inner service.

use std::convert::Infallible;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::Response;
use tower::layer::layer_fn;
use tower::{Layer, Service};

/// What a layer does around the inner service. The futures have names and are not boxed.
pub(crate) trait Around: Clone {
    type Future<F: ResponseFuture>: ResponseFuture;

    /// `inner` calls the inner service.
    fn call<F: ResponseFuture>(&self, request: Request, inner: impl FnOnce(Request) -> F) -> Self::Future<F>;
}

/// A future of the response.
pub(crate) trait ResponseFuture: Future<Output = Result<Response, Infallible>> {}

impl<F: Future<Output = Result<Response, Infallible>>> ResponseFuture for F {}

#[derive(Clone, Copy, Debug)]
pub(crate) struct AroundService<A, S> {
    around: A,
    inner: S,
}

pub(crate) fn layer<A: Around, S>(around: A) -> impl Layer<S, Service = AroundService<A, S>> {
    layer_fn(move |inner| AroundService { around: around.clone(), inner })
}

impl<A, S> Service<Request> for AroundService<A, S>
where
    A: Around,
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = A::Future<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        self.around.call(request, |request| self.inner.call(request))
    }
}
