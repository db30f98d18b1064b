//! One span.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use opentelemetry::trace::{Span as _, SpanKind, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::trace::{SdkTracer, Span as SdkSpan};

use super::current::{InSpan, Parent, with_parent};
use crate::span_ids::SpanIds;

/// Longest text of an attribute, in bytes; the rest is cut.
const TEXT_BYTES_MAX: usize = 512;

/// A span that ends when it is dropped; nothing if it is not recorded.
#[derive(Default)]
pub struct Span(Option<Box<Recorded>>);

struct Recorded {
    span: SdkSpan,
    tracer: SdkTracer,
}

/// A span within the one that this thread works on; nothing if none is recorded. `name` is called only if one is.
pub fn child<N: Into<Cow<'static, str>>>(kind: SpanKind, name: impl FnOnce() -> N) -> Span {
    let span = with_parent(|Parent { tracer, context }| {
        let builder = tracer.span_builder(name()).with_kind(kind);
        Span::new(tracer.build_with_context(builder, context), tracer)
    });
    span.unwrap_or_default()
}

impl Span {
    pub(super) fn new(span: SdkSpan, tracer: &SdkTracer) -> Self {
        Self(Some(Box::new(Recorded { span, tracer: tracer.clone() })))
    }

    /// Whether it is recorded.
    #[must_use]
    pub const fn is_recorded(&self) -> bool {
        self.0.is_some()
    }

    /// Its ids, if it is recorded.
    #[must_use]
    pub fn ids(&self) -> Option<SpanIds> {
        let context = self.0.as_ref()?.span.span_context();
        Some(SpanIds { trace: context.trace_id(), span: context.span_id(), is_sampled: true })
    }

    /// Gives it another name, of few that there are.
    pub fn rename(&mut self, name: impl Into<Cow<'static, str>>) {
        if let Some(recorded) = &mut self.0 {
            recorded.span.update_name(name);
        }
    }

    /// Sets an attribute.
    pub fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        if let Some(recorded) = &mut self.0 {
            recorded.span.set_attribute(KeyValue::new(key, value));
        }
    }

    /// Sets an attribute to a value that is computed only if the span is recorded.
    pub fn set_with<V: Into<Value>>(&mut self, key: &'static str, value: impl FnOnce() -> V) {
        if self.is_recorded() {
            self.set(key, value());
        }
    }

    /// Sets an attribute to text of a client or another service, of which the start is kept.
    pub fn set_text(&mut self, key: &'static str, text: &[u8]) {
        if self.is_recorded() {
            let text = text.get(..TEXT_BYTES_MAX).unwrap_or(text);
            self.set(key, String::from_utf8_lossy(text).into_owned());
        }
    }

    /// Links it to a span of another trace.
    pub fn link(&mut self, other: SpanIds) {
        if let Some(recorded) = &mut self.0 {
            recorded.span.add_link(other.context(), Vec::new());
        }
    }

    /// Marks it as failed, for one of a few reasons.
    pub fn fail(&mut self, reason: impl Into<Value>) {
        if let Some(recorded) = &mut self.0 {
            recorded.span.set_attribute(KeyValue::new("error.type", reason));
            recorded.span.set_status(Status::error(""));
        }
    }

    /// The future, within this span: what it waits for are children of the span.
    pub fn enter<F>(&self, future: F) -> InSpan<F> {
        InSpan::new(self.parent(), future)
    }

    fn parent(&self) -> Option<Arc<Parent>> {
        let recorded = self.0.as_ref()?;
        let context = Context::new().with_remote_span_context(recorded.span.span_context().clone());
        Some(Arc::new(Parent { tracer: recorded.tracer.clone(), context }))
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Span").field(&self.ids()).finish()
    }
}
