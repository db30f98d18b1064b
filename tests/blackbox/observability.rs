//! Metrics, access log and health: what an operator sees.

use std::io::Write;
use std::net::TcpStream;
use std::time::Instant;

use serde_json::Value;
use tests::{Server, ServerOptions};

const KEY: &str = "watch-test-Gm5xWb8qLt3vNz7rKc4yPs9dHf";

/// The sum of a metric's samples whose labels contain every one of `labels`.
fn sample(text: &str, name: &str, labels: &[&str]) -> f64 {
    text.lines()
        .filter(|line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with('{') || rest.starts_with(' '))
        })
        .filter(|line| labels.iter().all(|label| line.contains(label)))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

fn metrics(server: &Server) -> String {
    let answer = server.get("/metrics", &[]);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

#[test]
fn a_histogram_is_in_seconds_inclusive_and_adds_up() {
    let server = ServerOptions::new().start();
    let began = Instant::now();
    for _ in 0..10 {
        assert_eq!(server.get("/api/analyze/IBM", &[]).status, 200);
    }
    let took = began.elapsed();
    let text = metrics(&server);
    let route = r#"route="/api/analyze/{symbol}""#;
    let name = "investiq_http_request_duration_seconds";
    let count = sample(&text, &format!("{name}_count"), &[route]);
    assert_eq!(count, 10.0);
    assert_eq!(sample(&text, &format!("{name}_bucket"), &[route, r#"le="+Inf""#]), count);
    let sum = sample(&text, &format!("{name}_sum"), &[route]);
    assert!(sum > 0.0 && sum <= took.as_secs_f64(), "seconds, not milliseconds: {sum} in {took:?}");
    let mut buckets: Vec<f64> = text
        .lines()
        .filter(|line| {
            line.starts_with(&format!("{name}_bucket"))
                && line.contains(route)
                && line.contains(r#"method="GET""#)
        })
        .filter_map(|line| line.rsplit(' ').next()?.parse().ok())
        .collect();
    assert!(buckets.len() > 5 && buckets.is_sorted(), "{buckets:?}");
    buckets.dedup();
    assert_eq!(sample(&text, "investiq_http_requests_total", &[route, r#"status="200""#]), 10.0);
}

#[test]
fn series_exist_at_zero_and_random_paths_make_none() {
    let server = ServerOptions::new().set("RATE_LIMIT_PER_MINUTE", "1000000").start();
    // The first answer of a route begins the times of its answers: that of the metrics, too.
    drop(metrics(&server));
    let before = metrics(&server);
    for name in [
        "investiq_http_rate_limited_total",
        "investiq_http_panics_total",
        "investiq_auth_failures_total",
        "investiq_http_shed_total",
    ] {
        assert!(before.lines().any(|line| line.starts_with(name)), "{name} is there before its first event");
    }
    for number in 0..200 {
        assert_eq!(server.get(&format!("/random-{number}/path"), &[]).status, 404);
    }
    let after = metrics(&server);
    assert_eq!(
        sample(&after, "investiq_http_requests_total", &[r#"route="unmatched""#, r#"status="404""#]),
        200.0
    );
    assert!(after.lines().count() <= before.lines().count() + 2, "no series for a raw path");
    assert!(!after.contains("random-"));
}

#[test]
fn the_gauge_of_requests_in_flight_returns_to_zero() {
    let server = ServerOptions::new().set("REQUEST_TIMEOUT_SECS", "5").start();
    let head = b"POST /api/analyze HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
    let in_flight = |server: &Server| sample(&metrics(server), "investiq_http_requests_in_flight", &[]);
    let mut cut = TcpStream::connect(server.address()).unwrap();
    cut.write_all(head).unwrap();
    // The scrape itself is the other request in flight.
    server.until("it has begun to answer", |server| in_flight(server) >= 2.0);
    drop(cut);
    let answer = tests::raw::first_head(server.address(), head);
    assert_eq!(answer.status(), Some(408));
    server.until("the scrape alone is in flight", |server| in_flight(server) <= 1.0);
}

#[test]
fn refusals_are_counted_by_their_status() {
    let server = ServerOptions::new().set("RATE_LIMIT_PER_MINUTE", "1").set("RATE_LIMIT_BURST", "2").start();
    for _ in 0..6 {
        let _ = server.get("/api/symbols", &[]);
    }
    let text = metrics(&server);
    assert_eq!(
        sample(&text, "investiq_http_requests_total", &[r#"route="/api/symbols""#, r#"status="429""#]),
        4.0
    );
    assert_eq!(sample(&text, "investiq_http_rate_limited_total", &[]), 4.0);
}

#[test]
fn metrics_also_come_as_json_with_the_known_names() {
    let server = ServerOptions::new().start();
    assert_eq!(server.get("/api/analyze/AAPL", &[]).status, 200);
    let json = server.get("/metrics/json", &[]).json();
    for name in ["request_count", "error_count", "active_connections", "analysis_count"] {
        assert!(json[name].is_number(), "{name} in {json}");
    }
    assert_eq!(json["analysis_count"], 1);
}

#[test]
fn metrics_are_not_public_once_keys_are_set() {
    let server = ServerOptions::new()
        .set("API_KEYS", format!("{KEY}:admin"))
        .set("TRUSTED_PROXIES", "127.0.0.1/32")
        .start();
    let from_outside = [("x-forwarded-for", "198.51.100.7")];
    for path in ["/metrics", "/metrics/json"] {
        let status = server.get(path, &from_outside).status;
        assert!([401, 403, 404].contains(&status), "{path}: {status}");
    }
    let with_key = [("x-forwarded-for", "198.51.100.7"), ("x-api-key", KEY)];
    assert_eq!(server.get("/metrics", &with_key).status, 200);
}

#[test]
fn each_request_is_one_event_that_carries_the_id_of_its_answer() {
    let mut server = ServerOptions::new().start();
    let answer = server.get("/api/analyze/MSFT?days=400", &[("user-agent", "watcher/1")]);
    let id = answer.header("x-request-id").unwrap().to_owned();
    server.until("it is logged while the server runs", |server| server.log().contains(&id));
    let log = server.whole_log();
    let events: Vec<Value> =
        server.events().into_iter().filter(|event| event.to_string().contains(&id)).collect();
    assert_eq!(events.len(), 1, "{log}");
    let text = events[0].to_string();
    for part in ["/api/analyze/{symbol}", "GET", "200", "127.0.0.1"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn a_cache_hit_writes_no_more_than_its_access_event() {
    let mut server = ServerOptions::new().set("RATE_LIMIT_PER_MINUTE", "1000").start();
    for _ in 0..50 {
        assert_eq!(server.get("/api/analyze/AAPL", &[]).status, 200);
    }
    drop(server.whole_log());
    let events = server.events();
    let about: Vec<&Value> =
        events.iter().filter(|event| event.to_string().contains("/api/analyze/{symbol}")).collect();
    assert_eq!(about.len(), 50);
    assert!(events.len() < 50 + 20, "{} events for 50 requests", events.len());
}

#[test]
fn health_has_its_five_checks_and_calls_nobody() {
    let server = ServerOptions::new().start();
    let answer = server.get("/health", &[]);
    assert_eq!(answer.status, 200, "{answer:?}");
    let health = answer.json();
    assert_eq!(health["status"], "healthy");
    for check in ["database", "polygon", "redis", "alpaca", "ml_service"] {
        assert!(health["checks"][check]["status"].is_string(), "{check} in {health}");
    }
    assert_eq!(health["checks"]["alpaca"]["status"], "not_configured");
    assert_eq!(server.get("/livez", &[]).status, 200);
    assert_eq!(server.get("/readyz", &[]).status, 200);
}
