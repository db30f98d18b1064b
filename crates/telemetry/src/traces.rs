//! Traces: spans of requests, of what they wait for, and of the events that they leave behind, exported by OTLP.
//!
//! Off unless a collector is set; a tracer that is off starts nothing and costs a branch. Whether a request is recorded is decided
//! when it arrives, by [`Tracer::request`]. What a recorded request waits for finds the request's span by the thread that works on
//! it: [`child`] needs no tracer, and makes nothing when nothing is recorded.
//!
//! Ids never leave the process but to the collector, the log and `/metrics`: no vendor is sent one.

mod current;
mod export;
mod span;

use std::sync::Arc;

use opentelemetry::trace::{
    Link, SpanContext, TraceContextExt as _, TraceFlags, TraceState, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{IdGenerator as _, RandomIdGenerator, Sampler, SdkTracer, SdkTracerProvider};
use tokio::sync::mpsc;

use crate::metrics::Traces;
use export::Queue;

pub use crate::span_ids::SpanIds;
pub use current::{InSpan, current, in_current, outside};
pub use export::{SPANS_WAITING_MAX, SpanExport};
pub use opentelemetry::trace::SpanKind;
pub use span::{Span, child};

/// Which requests are recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// The share of requests about which nobody else has decided, from 0 to 1.
    pub ratio: f64,
    /// Whether a request belongs to the trace that a trusted proxy names, and is recorded if the proxy says so.
    pub follows_proxies: bool,
}

/// What the collector knows about this process.
#[derive(Clone, Copy, Debug)]
pub struct Service<'a> {
    /// `service.name`.
    pub name: &'a str,
    /// `deployment.environment.name`.
    pub environment: &'a str,
    /// `service.instance.id`: another one for each process.
    pub instance: &'a str,
}

/// Starts the spans that have no parent in this process.
#[derive(Clone, Debug, Default)]
pub struct Tracer(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    tracer: SdkTracer,
    sampling: Sampling,
    ids: RandomIdGenerator,
}

impl Tracer {
    /// A tracer, and what sends its spans.
    #[must_use]
    pub fn start(service: Service<'_>, sampling: Sampling, counts: Traces) -> (Self, SpanExport) {
        let (sender, receiver) = mpsc::channel(SPANS_WAITING_MAX);
        let resource = Resource::builder_empty()
            .with_service_name(service.name.to_owned())
            .with_attributes([
                KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
                KeyValue::new("service.instance.id", service.instance.to_owned()),
                KeyValue::new("deployment.environment.name", service.environment.to_owned()),
            ])
            .build();
        let provider = SdkTracerProvider::builder()
            // Decided before a span is made: see `Tracer::request`.
            .with_sampler(Sampler::AlwaysOn)
            .with_resource(resource.clone())
            .with_span_processor(Queue::new(sender, counts.clone()))
            .build();
        let tracer = provider.tracer("investiq");
        let inner = Inner { tracer, sampling, ids: RandomIdGenerator::default() };
        (Self(Some(Arc::new(inner))), SpanExport::new(receiver, &resource, counts))
    }

    /// Whether there are traces.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// The ids of a request, and its span, which does nothing unless it is recorded; `None` if the tracer is off. `from_proxy` is
    /// what a trusted proxy sent. Whatever other clients send decides nothing: they could choose which requests are recorded.
    #[must_use]
    pub fn request(&self, from_proxy: Option<SpanIds>) -> Option<(SpanIds, Span)> {
        let Inner { tracer, sampling, ids } = &**self.0.as_ref()?;
        let parent = from_proxy.filter(|_| sampling.follows_proxies);
        let random = ids.new_trace_id();
        if !parent.map_or_else(|| is_within(sampling.ratio, random.to_bytes()), SpanIds::is_sampled) {
            let trace = parent.map_or(random, |parent| parent.trace);
            return Some((SpanIds { trace, span: ids.new_span_id(), is_sampled: false }, Span::default()));
        }
        let context = parent
            .map_or_else(Context::new, |parent| Context::new().with_remote_span_context(parent.context()));
        // Its name has the route, which is not known yet.
        let builder = tracer.span_builder("HTTP").with_kind(SpanKind::Server);
        let span = Span::new(tracer.build_with_context(builder, &context), tracer);
        Some((span.ids()?, span))
    }

    /// A recorded span with a trace of its own, linked to these, of other processes or of long ago; none without links.
    #[must_use]
    pub fn linked(&self, name: &'static str, links: &[SpanIds]) -> Span {
        match &self.0 {
            Some(inner) if !links.is_empty() => {
                let tracer = &inner.tracer;
                let links = links.iter().map(|link| Link::with_context(link.context())).collect();
                let builder = tracer.span_builder(name).with_kind(SpanKind::Consumer).with_links(links);
                Span::new(tracer.build_with_context(builder, &Context::new()), tracer)
            }
            Some(_) | None => Span::default(),
        }
    }
}

impl SpanIds {
    /// Of another process, or of another time of this one.
    fn context(self) -> SpanContext {
        let flags = TraceFlags::default().with_sampled(self.is_sampled);
        SpanContext::new(self.trace, self.span, flags, true, TraceState::NONE)
    }
}

/// Whether a random number is in this share of all numbers.
fn is_within(ratio: f64, random: [u8; 16]) -> bool {
    let [.., a, b, c, d] = random;
    f64::from(u32::from_be_bytes([a, b, c, d])) < ratio * (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests;
