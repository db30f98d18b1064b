use std::io::Read;

use telemetry::Clock;
use telemetry::logs::Format;

use super::*;

fn log_lines(format: Format, write: impl FnOnce(&Arc<AccessLog>)) -> String {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let clock = Clock::Fixed("2026-11-22T03:20:22.000789Z".parse().unwrap());
    let dropped = prometheus::IntCounter::new("dropped", "dropped").unwrap();
    let log = Arc::new(AccessLog::start(format, clock, dropped, writer).unwrap());
    write(&log);
    log.close();
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    text
}

fn request(log: &Arc<AccessLog>, path: &str, user_agent: &[u8]) -> PendingLine {
    let user_agent = HeaderValue::from_bytes(user_agent).unwrap();
    let request = http::Request::get(path).header("user-agent", user_agent);
    let mut request = request.body(axum::body::Body::empty()).unwrap();
    RequestContext::attach_from(&mut request, "192.0.2.1");
    RequestContext::get(request.extensions())
        .unwrap()
        .id
        .set(RequestId::parse(b"request-1").unwrap())
        .unwrap();
    LogAccess { log: Arc::clone(log), redaction: Redaction::default() }.on_request(&mut request).unwrap()
}

#[test]
fn a_request_is_one_object_without_the_query() {
    let text = log_lines(Format::Json, |log| {
        request(log, "/api/analyze/AAPL?key=canary", b"curl/8").on_response(&mut Response::new("x".into()));
    });
    let mut line: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(line["duration_us"].take().is_u64());
    assert_eq!(
        line,
        serde_json::json!({
            "timestamp": "2026-11-22T03:20:22.000789Z", "level": "INFO", "target": "access",
            "request_id": "request-1", "client": "192.0.2.1", "method": "GET", "path": "/api/analyze/AAPL",
            "route": "unmatched", "status": 200, "bytes": 1, "duration_us": null, "user_agent": "curl/8"
        })
    );
}

#[test]
fn client_input_cannot_break_a_line_or_an_object() {
    let hostile: [&[u8]; 4] = [b"a\"b\\c", b"\xff\xfe\x80 caf\xc3\xa9", b"tab\there", &[b'x'; 60_000]];
    let text = log_lines(Format::Json, |log| {
        for user_agent in hostile {
            request(log, "/%0d%0a%1b[31m\"x", user_agent).on_response(&mut Response::default());
        }
    });
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), hostile.len());
    for line in lines {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(object["path"], "/%0d%0a%1b[31m\"x");
        assert!(line.len() < 4000, "{} bytes", line.len());
    }
}

#[test]
fn a_client_that_disconnects_leaves_a_line_without_a_status() {
    let text = log_lines(Format::Text, |log| drop(request(log, "/a", b"curl\xe9")));
    let (start, rest) = text.split_once(" duration_us=").unwrap();
    assert_eq!(start, "2026-11-22T03:20:22.000789Z INFO access: GET /a status=null bytes=null");
    assert!(rest.ends_with(" client=192.0.2.1 request_id=request-1 user_agent=\"curl\\u00e9\"\n"), "{rest}");
}
