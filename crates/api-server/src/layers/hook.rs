//! Layers that only look at the request and at its response, as most do.
//!
//! A [`RequestHook`] becomes a tower layer with [`layer`]; [`HookLayer::then`] puts several into one. The future is one
//! enum and nothing is boxed. Hooks of one layer see the request and the response in place, one after the other: a layer
//! of its own for each would move both once more.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::problem::Problem;

/// One layer's part in a request.
pub(crate) trait RequestHook: Clone {
    /// What the layer remembers until the response. Dropped without being called when the client disconnects first.
    type ResponseHook: ResponseHook;

    /// A problem becomes the response, and inner layers are not called.
    fn on_request(&self, request: &mut Request) -> Result<Self::ResponseHook, Problem>;
}

/// The other half of a [`RequestHook`].
pub(crate) trait ResponseHook {
    fn on_response(self, response: &mut Response);
}

/// For hooks that leave the response alone.
impl ResponseHook for () {
    fn on_response(self, _response: &mut Response) {}
}

/// One hook, or several.
pub(crate) trait RequestHooks {
    type ResponseHook: ResponseHook;

    /// The error is the response that outer layers see. Boxed, so that its size is not that of every result and
    /// every future around it.
    fn on_request(&self, request: &mut Request) -> Result<Self::ResponseHook, Box<Response>>;
}

impl<H: RequestHook> RequestHooks for H {
    type ResponseHook = H::ResponseHook;

    fn on_request(&self, request: &mut Request) -> Result<H::ResponseHook, Box<Response>> {
        RequestHook::on_request(self, request).map_err(|problem| Box::new(problem.into_response()))
    }
}

/// Hooks, and one more inside them.
#[derive(Clone, Copy, Debug)]
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

/// The tower layer of a hook.
pub(crate) fn layer<H: RequestHook>(hook: H) -> HookLayer<H> {
    HookLayer { hooks: hook }
}

impl<H> HookLayer<H> {
    /// A layer of these hooks, and of one more inside them.
    pub(crate) fn then<I: RequestHook>(self, inner: I) -> HookLayer<Then<H, I>> {
        HookLayer { hooks: Then { outer: self.hooks, inner } }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct HookLayer<H> {
    hooks: H,
}

impl<H: Clone, S> Layer<S> for HookLayer<H> {
    type Service = HookService<H, S>;

    fn layer(&self, inner: S) -> Self::Service {
        HookService { hooks: Arc::new(self.hooks.clone()), inner }
    }
}

#[derive(Debug)]
pub(crate) struct HookService<H, S> {
    // Shared, because axum clones the services of a route for every request.
    hooks: Arc<H>,
    inner: S,
}

impl<H, S: Clone> Clone for HookService<H, S> {
    fn clone(&self) -> Self {
        Self { hooks: Arc::clone(&self.hooks), inner: self.inner.clone() }
    }
}

impl<H, S> Service<Request> for HookService<H, S>
where
    H: RequestHooks,
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = HookFuture<S::Future, H::ResponseHook>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let state = match self.hooks.on_request(&mut request) {
            Ok(hook) => State::Called { inner: self.inner.call(request), hook: Some(hook) },
            Err(response) => State::Refused { response: Some(response) },
        };
        HookFuture { state }
    }
}

pin_project! {
    #[derive(Debug)]
    pub(crate) struct HookFuture<F, R> {
        #[pin]
        state: State<F, R>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = Projected]
    enum State<F, R> {
        Refused { response: Option<Box<Response>> },
        Called { #[pin] inner: F, hook: Option<R> },
    }
}

impl<F, R> Future for HookFuture<F, R>
where
    F: Future<Output = Result<Response, Infallible>>,
    R: ResponseHook,
{
    type Output = Result<Response, Infallible>;

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
