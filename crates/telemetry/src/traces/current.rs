//! The recorded span that a thread works on.

use std::cell::RefCell;
use std::pin::Pin;
use std::sync::Arc;
use std::task;

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::trace::SdkTracer;
use pin_project_lite::pin_project;

use crate::span_ids::SpanIds;

/// A recorded span, for its children.
#[derive(Debug)]
pub(super) struct Parent {
    pub(super) tracer: SdkTracer,
    pub(super) context: Context,
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Parent>>> = const { RefCell::new(None) };
}

/// Uses the recorded span that this thread works on.
pub(super) fn with_parent<T>(work: impl FnOnce(&Parent) -> T) -> Option<T> {
    CURRENT.with_borrow(|current| current.as_deref().map(work))
}

/// The ids of the recorded span that this thread works on.
#[must_use]
pub fn current() -> Option<SpanIds> {
    with_parent(|parent| {
        let span = parent.context.span();
        let context = span.span_context();
        SpanIds { trace: context.trace_id(), span: context.span_id(), is_sampled: true }
    })
}

/// The future, within the span that this thread works on, for a task of its own.
pub fn in_current<F>(future: F) -> InSpan<F> {
    InSpan::new(CURRENT.with_borrow(Clone::clone), future)
}

/// The future, outside of the span that this thread works on: it would add too many children.
pub fn outside<F>(future: F) -> InSpan<F> {
    InSpan { parent: None, is_outside: true, future }
}

pin_project! {
    /// A future within a span, or outside of any.
    #[derive(Debug)]
    pub struct InSpan<F> {
        parent: Option<Arc<Parent>>,
        is_outside: bool,
        #[pin]
        future: F,
    }
}

impl<F> InSpan<F> {
    pub(super) fn new(parent: Option<Arc<Parent>>, future: F) -> Self {
        Self { parent, is_outside: false, future }
    }
}

impl<F: Future> Future for InSpan<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut task::Context<'_>) -> task::Poll<F::Output> {
        let this = self.project();
        if this.parent.is_none() && !*this.is_outside {
            return this.future.poll(context);
        }
        let _scope = Scope { previous: CURRENT.replace(this.parent.clone()) };
        this.future.poll(context)
    }
}

/// Restores the previous span when dropped, also after a panic.
struct Scope {
    previous: Option<Arc<Parent>>,
}

impl Drop for Scope {
    fn drop(&mut self) {
        CURRENT.set(self.previous.take());
    }
}
