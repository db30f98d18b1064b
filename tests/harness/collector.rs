//! A fake collector of traces that speaks OTLP over HTTP: it decodes what it is sent, and fails as a script asks for.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Sent;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode as SpanStatus;
use prost::Message as _;
use serde_json::Value;

use crate::loopback::Loopback;

#[derive(Clone, Copy, Debug)]
pub enum Behaviour {
    Accepts,
    Status(u16),
    /// Answers after this time.
    Slow(Duration),
}

/// An exported span. Ids are hexadecimal; a root has an empty parent.
#[derive(Clone, Debug)]
pub struct Span {
    pub name: String,
    /// Of the enumeration of OTLP: 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    pub kind: i32,
    pub trace_id: String,
    pub span_id: String,
    pub parent_id: String,
    /// Trace and span of each link.
    pub links: Vec<(String, String)>,
    pub attributes: BTreeMap<String, Value>,
    /// Of the process that sent it.
    pub resource: BTreeMap<String, Value>,
    pub is_error: bool,
    pub duration_ns: u64,
}

pub struct FakeCollector {
    server: Loopback,
    shared: Arc<Shared>,
}

struct Shared {
    behaviour: Behaviour,
    spans: Mutex<Vec<Span>>,
    messages: AtomicUsize,
}

impl FakeCollector {
    pub fn start(behaviour: Behaviour) -> Self {
        let shared = Arc::new(Shared { behaviour, spans: Mutex::default(), messages: AtomicUsize::new(0) });
        let app = Router::new().route("/v1/traces", post(receive)).with_state(Arc::clone(&shared));
        let server = Loopback::start(move |listener| async move { axum::serve(listener, app).await });
        Self { server, shared }
    }

    /// For `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Everything that was accepted, in order.
    pub fn spans(&self) -> Vec<Span> {
        self.shared.spans.lock().expect("no panic").clone()
    }

    /// Messages, whether accepted or not.
    pub fn messages(&self) -> usize {
        self.shared.messages.load(Ordering::Relaxed)
    }
}

async fn receive(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    shared.messages.fetch_add(1, Ordering::Relaxed);
    match shared.behaviour {
        Behaviour::Status(status) => return StatusCode::from_u16(status).expect("a status"),
        Behaviour::Slow(delay) => tokio::time::sleep(delay).await,
        Behaviour::Accepts => {}
    }
    if headers.get("content-type").is_none_or(|kind| kind != "application/x-protobuf") {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE;
    }
    let Ok(message) = ExportTraceServiceRequest::decode(body) else { return StatusCode::BAD_REQUEST };
    shared.spans.lock().expect("no panic").extend(spans(message));
    StatusCode::OK
}

fn spans(message: ExportTraceServiceRequest) -> Vec<Span> {
    let mut all = Vec::new();
    for resource_spans in message.resource_spans {
        let resource = resource_spans.resource.map(|resource| attributes(resource.attributes));
        let resource = resource.unwrap_or_default();
        for span in resource_spans.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            all.push(Span {
                trace_id: hex::encode(&span.trace_id),
                span_id: hex::encode(&span.span_id),
                parent_id: hex::encode(&span.parent_span_id),
                links: span
                    .links
                    .iter()
                    .map(|link| (hex::encode(&link.trace_id), hex::encode(&link.span_id)))
                    .collect(),
                is_error: span.status.as_ref().is_some_and(|status| status.code() == SpanStatus::Error),
                duration_ns: span.end_time_unix_nano - span.start_time_unix_nano,
                attributes: attributes(span.attributes),
                resource: resource.clone(),
                name: span.name,
                kind: span.kind,
            });
        }
    }
    all
}

fn attributes(sent: Vec<KeyValue>) -> BTreeMap<String, Value> {
    let value = |attribute: KeyValue| {
        let value = match attribute.value.and_then(|value| value.value) {
            Some(Sent::StringValue(text)) => Value::from(text),
            Some(Sent::IntValue(number)) => Value::from(number),
            Some(Sent::BoolValue(flag)) => Value::from(flag),
            Some(Sent::DoubleValue(number)) => Value::from(number),
            other => panic!("{}: {other:?} is of a kind that the server does not send", attribute.key),
        };
        (attribute.key, value)
    };
    sent.into_iter().map(value).collect()
}
