//! Layers that only inspect or change the request and its response, as most do.
//!
//! [`layer`] makes a tower layer of a [`RequestHook`], or of several that [`RequestHooks::then`] combines. Hooks of one layer
//! see the request and the response in place; a separate layer for each would move both once more.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use pin_project_lite::pin_project;
use tower::Layer;

use super::around::{self, Around, AroundService, ResponseFuture};
use crate::problem::Problem;

/// One layer's part in a request.
pub(crate) trait RequestHook: Clone {
    /// What the layer keeps until the response. Dropped without being called if the client disconnects first.
    type ResponseHook: ResponseHook;

    /// A problem becomes the response, and inner layers are not called.
    fn on_request(&self, request: &mut Request) -> Result<Self::ResponseHook, Problem>;
}

/// The other half of a [`RequestHook`].
pub(crate) trait ResponseHook {
    fn on_response(self, response: &mut Response);
}

/// For hooks that do not change the response.
impl ResponseHook for () {
    fn on_response(self, _response: &mut Response) {}
}

/// One hook, or several.
pub(crate) trait RequestHooks {
    type ResponseHook: ResponseHook;

    /// The error is the response that outer layers see. Boxed, to keep every future around it small.
    fn on_request(&self, request: &mut Request) -> Result<Self::ResponseHook, Box<Response>>;

    /// These hooks, and one more inside them.
    fn then<I: RequestHook>(self, inner: I) -> Then<Self, I>
    where
        Self: Sized,
    {
        Then { outer: self, inner }
    }
}

impl<H: RequestHook> RequestHooks for H {
    type ResponseHook = H::ResponseHook;

    fn on_request(&self, request: &mut Request) -> Result<H::ResponseHook, Box<Response>> {
        RequestHook::on_request(self, request).map_err(|problem| Box::new(problem.into_response()))
    }
}

/// Hooks, and one more inside them.
#[derive(Debug)]
pub(crate) struct Then<O, I> {
    outer: O,
    inner: I,
}

impl<O: RequestHooks, I: RequestHook> RequestHooks for Then<O, I> {
    type ResponseHook = (O::ResponseHook, I::ResponseHook);

    fn on_request(&self, request: &mut Request) -> Result<Self::ResponseHook, Box<Response>> {
        let outer = self.outer.on_request(request)?;
        match RequestHook::on_request(&self.inner, request) {
            Ok(inner) => Ok((outer, inner)),
            Err(problem) => {
                let mut response = Box::new(problem.into_response());
                outer.on_response(&mut response);
                Err(response)
            }
        }
    }
}

impl<O: ResponseHook, I: ResponseHook> ResponseHook for (O, I) {
    fn on_response(self, response: &mut Response) {
        let (outer, inner) = self;
        inner.on_response(response);
        outer.on_response(response);
    }
}

/// The tower layer of hooks.
pub(crate) fn layer<H: RequestHooks, S>(hooks: H) -> impl Layer<S, Service = AroundService<Hooks<H>, S>> {
    around::layer(Hooks(Arc::new(hooks)))
}

/// Shared, because axum clones the services of a route for every request.
#[derive(Debug)]
pub(crate) struct Hooks<H>(Arc<H>);

impl<H> Clone for Hooks<H> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<H: RequestHooks> Around for Hooks<H> {
    type Future<F: ResponseFuture> = HookFuture<F, H::ResponseHook>;

    fn call<F: ResponseFuture>(
        &self,
        mut request: Request,
        inner: impl FnOnce(Request) -> F,
    ) -> HookFuture<F, H::ResponseHook> {
        let state = match self.0.on_request(&mut request) {
            Ok(hook) => HookState::Called { inner: inner(request), hook: Some(hook) },
            Err(response) => HookState::Refused { response: Some(response) },
        };
        HookFuture { state }
    }
}

pin_project! {
    #[derive(Debug)]
    pub(crate) struct HookFuture<F, R> {
        #[pin]
        state: HookState<F, R>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = Projected]
    enum HookState<F, R> {
        Refused { response: Option<Box<Response>> },
        Called { #[pin] inner: F, hook: Option<R> },
    }
}

impl<F: ResponseFuture, R: ResponseHook> Future for HookFuture<F, R> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            Projected::Refused { response } => {
                let response = response.take().expect("a future is not polled after it is ready");
                Poll::Ready(Ok(*response))
            }
            Projected::Called { inner, hook } => {
                let Ok(mut response) = ready!(inner.poll(context));
                if let Some(hook) = hook.take() {
                    hook.on_response(&mut response);
                }
                Poll::Ready(Ok(response))
            }
        }
    }
}
