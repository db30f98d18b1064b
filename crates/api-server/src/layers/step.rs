//! What most layers are: a look at the request, and a word about its answer.
//!
//! A [`Step`] becomes a tower layer with [`layer`], and with [`StepLayer::then`] several of them become one. Its future
//! is one enum and nothing is boxed. Steps of one layer see the request and the answer in place, one after the other: a
//! layer of its own for each would move both once more.

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

/// One step, or several.
pub trait Steps {
    /// What they remember until the answer comes.
    type After: After;

    /// Looks at the request.
    ///
    /// # Errors
    /// The answer instead, as it is for the layers further out. Boxed, so that its size is not that of every result and
    /// every future around it.
    fn enter(&self, request: &mut Request) -> Result<Self::After, Box<Response>>;
}

impl<P: Step> Steps for P {
    type After = P::After;

    fn enter(&self, request: &mut Request) -> Result<P::After, Box<Response>> {
        self.before(request).map_err(|problem| Box::new(problem.into_response()))
    }
}

/// Steps, and one more within them.
#[derive(Clone, Copy, Debug)]
pub struct Then<P, Q> {
    outer: P,
    inner: Q,
}

impl<P: Steps, Q: Step> Steps for Then<P, Q> {
    type After = (P::After, Q::After);

    fn enter(&self, request: &mut Request) -> Result<Self::After, Box<Response>> {
        let outer = self.outer.enter(request)?;
        match self.inner.before(request) {
            Ok(inner) => Ok((outer, inner)),
            Err(problem) => {
                let mut response = Box::new(problem.into_response());
                outer.after(&mut response);
                Err(response)
            }
        }
    }
}

impl<A: After, B: After> After for (A, B) {
    fn after(self, response: &mut Response) {
        let (outer, inner) = self;
        inner.after(response);
        outer.after(response);
    }
}

/// The tower layer of a step.
pub fn layer<P: Step>(step: P) -> StepLayer<P> {
    StepLayer { step }
}

impl<P> StepLayer<P> {
    /// A layer of these steps, and of one more within them.
    pub fn then<Q: Step>(self, inner: Q) -> StepLayer<Then<P, Q>> {
        StepLayer { step: Then { outer: self.step, inner } }
    }
}

/// See [`layer`].
#[derive(Clone, Debug)]
pub struct StepLayer<P> {
    step: P,
}

impl<P: Clone, S> Layer<S> for StepLayer<P> {
    type Service = StepService<P, S>;

    fn layer(&self, inner: S) -> Self::Service {
        StepService { steps: Arc::new(self.step.clone()), inner }
    }
}

/// A service with steps before and after it.
#[derive(Debug)]
pub struct StepService<P, S> {
    // Shared, because axum clones the services of a route for every request.
    steps: Arc<P>,
    inner: S,
}

impl<P, S: Clone> Clone for StepService<P, S> {
    fn clone(&self) -> Self {
        Self { steps: Arc::clone(&self.steps), inner: self.inner.clone() }
    }
}

impl<P, S> Service<Request> for StepService<P, S>
where
    P: Steps,
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = StepFuture<S::Future, P::After>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let state = match self.steps.enter(&mut request) {
            Ok(after) => State::Going { inner: self.inner.call(request), after: Some(after) },
            Err(answer) => State::Refused { answer: Some(answer) },
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
        Refused { answer: Option<Box<Response>> },
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
            Projected::Refused { answer } => {
                let answer = answer.take().expect("a future is not polled after it is ready");
                Poll::Ready(Ok(*answer))
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
