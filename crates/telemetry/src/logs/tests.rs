use std::io::Read;
use std::sync::Arc;

use super::*;
use crate::RequestId;

fn log_lines(format: Format, work: impl FnOnce()) -> String {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let lines =
        tracing_subscriber::fmt::layer().event_format(OneLine { format }).with_writer(Arc::new(writer));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), work);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn an_event_is_one_object_with_its_fields_and_the_id_of_its_request() {
    let text = log_lines(Format::Json, || {
        RequestId::parse(b"request-1")
            .unwrap()
            .scope(|| tracing::warn!(tries = 3, what = "a\"b\n\u{1b}c", "it\nbroke"));
    });
    assert_eq!(text.lines().count(), 1);
    let mut object: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(object["timestamp"].take().as_str().unwrap().ends_with('Z'));
    assert_eq!(
        object,
        serde_json::json!({
            "timestamp": null, "level": "WARN", "target": "telemetry::logs::tests", "request_id": "request-1",
            "message": "it\nbroke", "tries": 3, "what": "a\"b\n\u{1b}c"
        })
    );
}

#[test]
fn text_is_one_line_too_and_an_error_includes_its_causes() {
    let cause = std::io::Error::other("the\ncause\u{1b}[31m");
    let error = Error::Filter(EnvFilter::builder().parse("a=b=c").unwrap_err());
    let text = log_lines(Format::Text, || {
        tracing::error!(error = &error as &dyn std::error::Error, %cause, "it\nbroke");
    });
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains("ERROR telemetry::logs::tests: it\\nbroke"), "{text}");
    assert!(text.contains("invalid log filter RUST_LOG: "), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[test]
fn debug_output_of_third_party_crates_is_not_logged() {
    for (target, expected) in [
        ("hyper::proto", true),
        ("h2", true),
        ("hyperion", false),
        ("api_server::serve", false),
        ("reqwest", true),
    ] {
        assert_eq!(is_capped(target), expected, "{target}");
    }
}
