//! What most layers are: a look at the request, and a word about its answer.
//!
//! A [`Step`] becomes a tower layer with [`layer`]. Its future is one enum and nothing is boxed, so that a stack of
//! steps compiles to one state machine.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::problem::Problem;

/// One layer's part in a request.
pub trait Step: Clone {
    /// What the layer remembers until the answer comes. It is dropped when the client goes away before that.
    type After: After;

    /// Looks at the request; a problem is answered without going further in.
    ///
    /// # Errors
    /// The answer instead of what further layers would say.
    fn before(&self, request: &mut Request) -> Result<Self::After, Problem>;
}

/// The other half of a [`Step`].
pub trait After {
    /// Looks at the answer on its way out.
    fn after(self, response: &mut Response);
}

/// A step that has nothing to say about the answer.
impl After for () {
    fn after(self, _response: &mut Response) {}
}

/// The tower layer of a step.
pub fn layer<P: Step>(step: P) -> StepLayer<P> {
    StepLayer { step }
}

/// See [`layer`].
#[derive(Clone, Debug)]
pub struct StepLayer<P> {
    step: P,
}

impl<P: Clone, S> Layer<S> for StepLayer<P> {
    type Service = StepService<P, S>;

    fn layer(&self, inner: S) -> Self::Service {
        StepService { step: self.step.clone(), inner }
    }
}

/// A service with a step before and after it.
#[derive(Clone, Debug)]
pub struct StepService<P, S> {
    step: P,
    inner: S,
}

impl<P, S> Service<Request> for StepService<P, S>
where
    P: Step,
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = StepFuture<S::Future, P::After>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let state = match self.step.before(&mut request) {
            Ok(after) => State::Going { inner: self.inner.call(request), after: Some(after) },
            Err(problem) => State::Refused { problem: Some(problem) },
        };
        StepFuture { state }
    }
}

pin_project! {
    /// The answer of a [`StepService`].
    #[derive(Debug)]
    pub struct StepFuture<F, A> {
        #[pin]
        state: State<F, A>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = Projected]
    enum State<F, A> {
        Refused { problem: Option<Problem> },
        Going { #[pin] inner: F, after: Option<A> },
    }
}

impl<F, A> Future for StepFuture<F, A>
where
    F: Future<Output = Result<Response, Infallible>>,
    A: After,
{
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            Projected::Refused { problem } => {
                let problem = problem.take().expect("a future is not polled after it is ready");
                Poll::Ready(Ok(problem.into_response()))
            }
            Projected::Going { inner, after } => {
                let Ok(mut response) = ready!(inner.poll(context));
                if let Some(after) = after.take() {
                    after.after(&mut response);
                }
                Poll::Ready(Ok(response))
            }
        }
    }
}
