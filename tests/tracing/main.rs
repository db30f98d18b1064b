//! Traces of the real server, exported to a fake collector, and exemplars read by a real Prometheus.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is the failure to report")]

mod deliveries;
mod exemplars;
mod outages;
mod requests;

use tests::collector::{Behaviour, FakeCollector, Span};
use tests::{Server, ServerOptions};

/// A server that records what this sampler says.
fn traced(options: ServerOptions, collector: &FakeCollector, sampler: &str) -> ServerOptions {
    options
        .set("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())
        .set("OTEL_TRACES_SAMPLER", sampler)
        .set("RATE_LIMIT_PER_MINUTE", "1000000000")
}

fn accepting() -> FakeCollector {
    FakeCollector::start(Behaviour::Accepts)
}

/// The spans after everything that ended was exported.
fn spans_at_the_end(server: &mut Server, collector: &FakeCollector) -> Vec<Span> {
    drop(server.stop_and_read_log());
    collector.spans()
}

fn named<'s>(spans: &'s [Span], name: &str) -> Vec<&'s Span> {
    spans.iter().filter(|span| span.name == name).collect()
}

/// The only span of this name.
fn one<'s>(spans: &'s [Span], name: &str) -> &'s Span {
    let found = named(spans, name);
    assert_eq!(found.len(), 1, "{name} among {:#?}", spans.iter().map(|span| &span.name).collect::<Vec<_>>());
    found[0]
}

/// The trace and span in the access log lines of a path.
fn logged_ids(server: &Server, path: &str) -> Vec<(String, String)> {
    let text = |event: &serde_json::Value, name: &str| event[name].as_str().unwrap_or_default().to_owned();
    let lines = server.events().into_iter().filter(|event| event["path"] == path);
    lines.map(|line| (text(&line, "trace_id"), text(&line, "span_id"))).collect()
}
