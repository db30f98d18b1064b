//! Every error is a problem document, whichever layer produces it.

use reqwest::Method;
use tests::raw::exchange;
use tests::{Response, Server, ServerOptions};

const KEY: &str = "errors-test-Nf4vKx8pWm2zTq6rBc9yLh3sJd";

const SECURITY_HEADERS: &[(&str, &str)] =
    &[("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("referrer-policy", "no-referrer")];

fn expect_problem(response: &Response, status: u16, code: &str) {
    assert_eq!(response.status, status, "{response:?}");
    assert_eq!(response.problem()["code"], code, "{response:?}");
    for (name, value) in SECURITY_HEADERS {
        assert_eq!(response.header(name), Some(*value), "{name} in {response:?}");
    }
    let policy = response.header("content-security-policy");
    assert!(policy.is_some_and(|policy| policy.contains("default-src 'none'")), "{policy:?}");
}

fn bars(count: usize) -> String {
    let bars: Vec<String> = (0..count)
        .map(|i| {
            let (year, month, day) = (2000 + i / 336, i / 28 % 12 + 1, i % 28 + 1);
            format!(
                r#"{{"date":"{year:04}-{month:02}-{day:02}","open":1,"high":2,"low":1,"close":2,"volume":5}}"#
            )
        })
        .collect();
    format!(r#"{{"symbol":"TEST","bars":[{}]}}"#, bars.join(","))
}

#[test]
fn each_status_is_a_problem_with_its_code() {
    let server = ServerOptions::new().start();
    expect_problem(&server.get("/nowhere", &[]), 404, "not_found");
    expect_problem(&server.get("/api/analyze/ZZZZ", &[]), 404, "unknown_symbol");
    let wrong_method = server.send(Method::DELETE, "/api/symbols", &[], None);
    expect_problem(&wrong_method, 405, "method_not_allowed");
    assert!(wrong_method.header("allow").is_some_and(|allow| allow.contains("GET")), "{wrong_method:?}");
    expect_problem(
        &server.send(Method::POST, "/api/analyze", &[], Some("{}")),
        415,
        "unsupported_media_type",
    );
    let gzipped = [("content-type", "application/json"), ("content-encoding", "gzip")];
    expect_problem(
        &server.send(Method::POST, "/api/analyze", &gzipped, Some("{}")),
        415,
        "unsupported_media_type",
    );
    expect_problem(&server.post_json("/api/analyze", &[], "{"), 400, "bad_request");
    expect_problem(
        &server.post_json("/api/analyze", &[], r#"{"bars":[],"surprise":1}"#),
        422,
        "unprocessable",
    );
    expect_problem(&server.post_json("/api/analyze", &[], &"[".repeat(100_000)), 400, "bad_request");
    expect_problem(&server.post_json("/api/analyze", &[], &bars(60_000)), 413, "payload_too_large");
}

#[test]
fn an_invalid_parameter_is_named() {
    let server = ServerOptions::new().start();
    for (path, named) in [
        ("/api/analyze/AAPL?timeframe=5m", "timeframe"),
        ("/api/analyze/AAPL?timeframe=1D", "timeframe"),
        ("/api/analyze/AAPL?days=100000000", "days"),
        ("/api/analyze/AAPL?days=0", "days"),
        ("/api/analyze/AAPL?days=-1", "days"),
        ("/api/analyze/AAPL?days=1.5", "days"),
        ("/api/analyze/AAPL?days=9223372036854775808", "days"),
        ("/api/analyze/AAPL?days=250&days=300", "days"),
        ("/api/analyze/AAPL?cache_ttl=5", "cache_ttl"),
        ("/api/bars/AAPL?days=x", "days"),
        ("/api/indicators/AAPL?names=nonsense:14", "names"),
        ("/api/indicators/AAPL?names=rsi:0", "names"),
        ("/api/indicators/AAPL?names=rsi:999999999", "names"),
    ] {
        let response = server.get(path, &[]);
        expect_problem(&response, 422, "unprocessable");
        assert!(response.body.contains(named), "{path}: {}", response.body);
    }
}

#[test]
fn a_client_that_stops_sending_its_body_gets_408_and_is_counted() {
    let server = ServerOptions::new().set("REQUEST_TIMEOUT_SECS", "1").start();
    let head = "POST /api/analyze HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    let response = exchange(server.address(), head.as_bytes());
    assert_eq!(response.status(), Some(408), "{}", response.text());
    assert!(response.text().contains("application/problem+json"), "{}", response.text());
    let metrics = server.get("/metrics", &[]).body;
    assert!(
        metrics.lines().any(|line| line.starts_with("investiq_http_requests_total")
            && line.contains("\"408\"")
            && line.ends_with(" 1")),
        "{metrics}"
    );
}

#[test]
fn errors_behind_authentication_are_problems_too() {
    let server: Server = ServerOptions::new()
        .set("API_KEYS", KEY)
        .set("RATE_LIMIT_PER_MINUTE", "1")
        .set("RATE_LIMIT_BURST", "2")
        .start();
    expect_problem(&server.get("/api/symbols", &[]), 401, "unauthorized");
    expect_problem(
        &server.get("/api/symbols", &[("x-api-key", KEY), ("authorization", "Bearer x")]),
        400,
        "bad_request",
    );
    expect_problem(&server.get("/api/symbols", &[]), 429, "too_many_requests");
}

#[test]
fn hostile_request_ids_and_paths_stay_out_of_responses_and_logs() {
    let mut server = ServerOptions::new().start();
    let good = server.get("/", &[("x-request-id", "client-chosen_01")]);
    assert_eq!(good.header("x-request-id"), Some("client-chosen_01"));
    let wrong = ["short", "has space in it", "quote\"quote\"", "<script>alert(1)</script>", &"a".repeat(65)];
    for id in wrong {
        let response = server.get("/", &[("x-request-id", id)]);
        assert_ne!(response.header("x-request-id"), Some(id));
        assert!(response.header("x-request-id").is_some_and(|id| id.len() >= 16), "{response:?}");
    }
    let target = b"GET /x\"%0a%1b[31m HTTP/1.1\r\nHost: localhost\r\nUser-Agent: a\"b\\c\x1b[0m\xff\r\nConnection: close\r\n\r\n";
    let response = exchange(server.address(), target);
    assert!(response.status().is_some_and(|status| (400..500).contains(&status)), "{}", response.text());
    let log = server.stop_and_read_log();
    assert!(log.contains("client-chosen_01"), "{log}");
    for line in log.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "one JSON object a line: {line}");
        assert!(!line.contains('\x1b') && !line.contains("<script>"), "{line}");
    }
}
