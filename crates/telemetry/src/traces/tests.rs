use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span as Sent;
use prost::Message as _;

use super::*;
use crate::metrics::{Labels, Metrics};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn start(ratio: f64, follows_proxies: bool) -> (Tracer, SpanExport, Metrics) {
    let metrics = Metrics::new(Labels::default()).unwrap();
    let service = Service { name: "test", environment: "development", instance: "1" };
    let (tracer, export) =
        Tracer::start(service, Sampling { ratio, follows_proxies }, metrics.traces.clone());
    (tracer, export, metrics)
}

fn ids(flags: &str) -> SpanIds {
    SpanIds::parse(&format!("00-{TRACE}-00f067aa0ba902b7-{flags}")).unwrap()
}

/// What was sent until the tracer stopped.
async fn sent(export: SpanExport, is_accepted: bool) -> Vec<Sent> {
    let messages = Arc::new(Mutex::new(Vec::new()));
    let send = |message: Vec<u8>| {
        messages.lock().unwrap().push(message);
        std::future::ready(is_accepted)
    };
    export.run(send, std::future::ready(())).await;
    let messages = messages.lock().unwrap();
    let decoded = messages.iter().map(|message| ExportTraceServiceRequest::decode(&**message).unwrap());
    let resources = decoded.flat_map(|message| message.resource_spans);
    resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
}

#[test]
fn a_traceparent_is_read_as_the_standard_says() {
    let valid = format!("00-{TRACE}-00f067aa0ba902b7-01");
    assert_eq!(SpanIds::parse(&valid).unwrap().to_string(), valid);
    assert_eq!(SpanIds::parse(&valid).unwrap().trace_id(), TRACE.as_bytes());
    assert_eq!(SpanIds::parse(&valid).unwrap().span_id(), *b"00f067aa0ba902b7");
    for (text, is_sampled) in [
        (valid.clone(), Some(true)),
        (valid.replace("-01", "-00"), Some(false)),
        (valid.replace("-01", "-03"), Some(true)),
        (format!("{}-future", valid.replacen("00", "cc", 1)), Some(true)),
        (format!("{valid}-future"), None),
        (valid.replacen("00", "ff", 1), None),
        (valid.to_uppercase(), None),
        (valid.replace(TRACE, &"0".repeat(32)), None),
        (valid.replace("00f067aa0ba902b7", &"0".repeat(16)), None),
        (valid.trim_end_matches('1').to_owned(), None),
        (String::new(), None),
    ] {
        assert_eq!(SpanIds::parse(&text).map(SpanIds::is_sampled), is_sampled, "{text}");
    }
}

#[test]
fn the_ratio_is_the_share_of_requests_that_are_recorded() {
    for (ratio, expected) in [(0.0, 0..=0), (0.01, 50..=160), (0.5, 4700..=5300), (1.0, 10_000..=10_000)] {
        let (tracer, ..) = start(ratio, true);
        let recorded = (0..10_000).filter(|_| tracer.request(None).unwrap().0.is_sampled()).count();
        assert!(expected.contains(&recorded), "{recorded} of {ratio}");
    }
    assert!(Tracer::default().request(None).is_none());
}

#[test]
fn only_what_a_trusted_proxy_says_is_followed_and_only_if_that_is_set() {
    for (follows_proxies, from_proxy, expected) in [
        (true, Some(ids("01")), (true, true)),
        (true, Some(ids("00")), (false, true)),
        (false, Some(ids("01")), (false, false)),
        (true, None, (false, false)),
    ] {
        let (tracer, ..) = start(0.0, follows_proxies);
        let (request, span) = tracer.request(from_proxy).unwrap();
        let is_in_trace = request.trace_id() == TRACE.as_bytes();
        assert_eq!((request.is_sampled(), is_in_trace), expected, "{follows_proxies} {from_proxy:?}");
        assert_eq!(span.is_recorded(), request.is_sampled());
    }
}

#[tokio::test]
async fn what_a_span_waits_for_are_its_children_and_nothing_else() {
    let (tracer, export, metrics) = start(1.0, false);
    assert!(!child(SpanKind::Client, || "outside").is_recorded());
    let (request, span) = tracer.request(None).unwrap();
    let work = async {
        assert_eq!(current(), Some(request));
        let mut query = child(SpanKind::Client, || "SELECT bars");
        query.set("db.system.name", "sqlite");
        query.set_text("long", &[b'x'; 1000]);
        query.fail("timeout");
        query.enter(async { drop(child(SpanKind::Internal, || "inner")) }).await;
        // A task of its own.
        tokio::spawn(in_current(async { drop(child(SpanKind::Client, || "GET")) })).await.unwrap();
    };
    span.enter(work).await;
    assert_eq!(current(), None);
    drop((span, tracer));
    let spans = sent(export, true).await;
    let find = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    assert_eq!(spans.len(), 4);
    assert!(spans.iter().all(|span| span.trace_id == find("HTTP").trace_id));
    for (name, parent) in [("SELECT bars", "HTTP"), ("inner", "SELECT bars"), ("GET", "HTTP")] {
        assert_eq!(find(name).parent_span_id, find(parent).span_id, "{name}");
    }
    assert_eq!(find("HTTP").parent_span_id, b"");
    let long = find("SELECT bars").attributes.iter().find(|attribute| attribute.key == "long").unwrap();
    assert!(format!("{long:?}").len() < 700);
    assert_eq!(metrics.traces.exported.get(), 4);
}

#[tokio::test]
async fn a_linked_span_has_a_trace_of_its_own() {
    let (tracer, export, _) = start(0.0, false);
    assert!(!tracer.linked("apply", &[]).is_recorded());
    assert!(!Tracer::default().linked("apply", &[ids("01")]).is_recorded());
    drop(tracer.linked("apply", &[ids("01")]));
    let spans = sent(export, true).await;
    assert_ne!(hex::encode(&spans[0].trace_id), TRACE);
    assert_eq!(hex::encode(&spans[0].links[0].trace_id), TRACE);
}

#[tokio::test]
async fn what_does_not_fit_or_is_not_accepted_is_counted() {
    let (tracer, export, metrics) = start(1.0, false);
    for _ in 0..SPANS_WAITING_MAX + 7 {
        drop(tracer.request(None));
    }
    assert_eq!(metrics.traces.dropped.get(), 7);
    assert_eq!(sent(export, false).await.len(), SPANS_WAITING_MAX);
    assert_eq!(metrics.traces.failed.get(), SPANS_WAITING_MAX as u64);
    drop(tracer.request(None));
    assert_eq!(metrics.traces.dropped.get(), 8, "nothing waits after the end");
}
