//! Metrics, access log and health.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::random::Random;
use tests::{Server, ServerOptions};

const KEY: &str = "watch-test-Gm5xWb8qLt3vNz7rKc4yPs9dHf";
/// Of each kind.
const CHOSEN_NAMES: usize = 10_000;
/// Names in the requests of one connection.
const PIPELINED: usize = 200;

/// The sum of a metric's samples that have all of these labels.
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
    let response = server.get("/metrics", &[]);
    assert_eq!(response.status, 200, "{response:?}");
    response.body
}

#[test]
fn a_histogram_is_cumulative_and_in_seconds() {
    let server = ServerOptions::new().start();
    let started = Instant::now();
    for _ in 0..10 {
        assert_eq!(server.get("/api/analyze/IBM", &[]).status, 200);
    }
    let elapsed = started.elapsed();
    let text = metrics(&server);
    let route = r#"route="/api/analyze/{symbol}""#;
    let name = "investiq_http_request_duration_seconds";
    let count = sample(&text, &format!("{name}_count"), &[route]);
    assert_eq!(count, 10.0);
    assert_eq!(sample(&text, &format!("{name}_bucket"), &[route, r#"le="+Inf""#]), count);
    let sum = sample(&text, &format!("{name}_sum"), &[route]);
    assert!(sum > 0.0 && sum <= elapsed.as_secs_f64(), "seconds, not milliseconds: {sum} in {elapsed:?}");
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
fn series_exist_at_zero() {
    let server = ServerOptions::new().start();
    let text = metrics(&server);
    for name in [
        "investiq_http_rate_limited_total",
        "investiq_http_panics_total",
        "investiq_auth_failures_total",
        "investiq_http_shed_total",
    ] {
        assert!(text.lines().any(|line| line.starts_with(name)), "{name} exists before its first event");
    }
}

/// `GET` requests with a name that the client chose: a path, an API key or a symbol.
fn with_chosen_name(name: &str) -> [String; 3] {
    [
        format!("GET /{name}/path HTTP/1.1\r\nHost: localhost\r\n"),
        format!("GET /api/symbols HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: key-{name}\r\n"),
        format!("GET /api/bars/{name} HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: {KEY}\r\n"),
    ]
}

/// Sends them on one connection, and returns the statuses.
fn pipelined(server: &Server, requests: &[String]) -> Vec<u16> {
    let (last, others) = requests.split_last().unwrap();
    let bytes = others.iter().map(|request| format!("{request}\r\n")).collect::<String>();
    tests::raw::exchange(server.address(), format!("{bytes}{last}Connection: close\r\n\r\n").as_bytes())
        .statuses()
}

#[test]
fn paths_keys_and_symbols_that_clients_choose_create_no_series() {
    let server = ServerOptions::new()
        .set("API_KEYS", format!("{KEY}:admin"))
        .set("RATE_LIMIT_PER_MINUTE", "1000000")
        .set("RATE_LIMIT_BURST", "1000000")
        .start();
    let mut random = Random::from_seed(7);
    let mut name =
        || (0..5).map(|_| char::from(b'A' + u8::try_from(random.below(26)).unwrap())).collect::<String>();
    // Client errors of a route begin with the first one, throttled keys among them; and the histogram of /metrics with its own.
    let first: Vec<String> = (0..PIPELINED).flat_map(|_| with_chosen_name(&name())).collect();
    assert_eq!(pipelined(&server, &first)[..3], [404, 401, 404]);
    drop(metrics(&server));
    let names = |text: &str| {
        let series = text.lines().filter(|line| !line.starts_with('#'));
        // Those of a transaction begin with its first, which may be a worker's; its name is one of the program's.
        let series = series.filter(|line| !line.starts_with("investiq_database_query_duration_seconds"));
        series.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect::<BTreeSet<_>>()
    };
    let before = names(&metrics(&server));
    let mut sent = 0;
    while sent < CHOSEN_NAMES {
        let requests: Vec<String> = (0..PIPELINED).flat_map(|_| with_chosen_name(&name())).collect();
        assert_eq!(pipelined(&server, &requests).len(), requests.len());
        sent += PIPELINED;
    }
    let after = metrics(&server);
    assert!(sample(&after, "investiq_http_requests_total", &[r#"route="unmatched""#]) > CHOSEN_NAMES as f64);
    assert_eq!(names(&after), before);
}

#[test]
fn the_gauge_of_requests_in_flight_returns_to_zero() {
    let server = ServerOptions::new().set("REQUEST_TIMEOUT_SECS", "5").start();
    let head = b"POST /api/analyze HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
    let in_flight = |server: &Server| sample(&metrics(server), "investiq_http_requests_in_flight", &[]);
    let mut cut = TcpStream::connect(server.address()).unwrap();
    cut.write_all(head).unwrap();
    // The scrape itself is the other request in flight.
    server.wait_until("the request is in flight", |server| in_flight(server) >= 2.0);
    drop(cut);
    let response = tests::raw::first_head(server.address(), head);
    assert_eq!(response.status(), Some(408));
    server.wait_until("only the scrape is in flight", |server| in_flight(server) <= 1.0);
}

#[test]
fn rate_limited_requests_are_counted() {
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
fn metrics_are_available_as_json() {
    let server = ServerOptions::new().start();
    assert_eq!(server.get("/api/analyze/AAPL", &[]).status, 200);
    let json = server.get("/metrics/json", &[]).json();
    for name in ["request_count", "error_count", "active_connections", "analysis_count"] {
        assert!(json[name].is_number(), "{name} in {json}");
    }
    assert_eq!(json["analysis_count"], 1);
}

#[test]
fn metrics_need_a_key_from_outside_once_keys_are_set() {
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
fn each_request_is_logged_once_with_its_request_id() {
    let mut server = ServerOptions::new().start();
    let response = server.get("/api/analyze/MSFT?days=400", &[("user-agent", "watcher/1")]);
    let id = response.header("x-request-id").unwrap().to_owned();
    server.wait_until("it is logged", |server| server.log().contains(&id));
    let log = server.stop_and_read_log();
    let events: Vec<Value> =
        server.events().into_iter().filter(|event| event.to_string().contains(&id)).collect();
    assert_eq!(events.len(), 1, "{log}");
    let text = events[0].to_string();
    for part in ["/api/analyze/{symbol}", "GET", "200", "127.0.0.1"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn probes_are_logged_only_when_they_fail() {
    let server = ServerOptions::new().set("UNREADY_SECS", "60").start();
    server.wait_until("it is ready", |server| server.get("/readyz", &[]).status == 200);
    assert_eq!(server.get("/livez", &[]).status, 200);
    assert_eq!(server.get("/health", &[]).status, 200);
    server.signal("TERM");
    server.wait_until("it is draining", |server| server.get("/readyz", &[]).status == 503);
    server.wait_until("it is logged", |server| server.log().contains("/readyz"));
    let lines = |path: &str| {
        server.events().iter().filter(|event| event["path"] == path).cloned().collect::<Vec<_>>()
    };
    assert_eq!((lines("/livez").len(), lines("/health").len()), (0, 1), "{}", server.log());
    assert!(lines("/readyz").iter().all(|line| line["status"] == 503), "{}", server.log());
}

#[test]
fn a_cache_hit_logs_only_its_access_event() {
    let mut server = ServerOptions::new().set("RATE_LIMIT_PER_MINUTE", "1000").start();
    for _ in 0..50 {
        assert_eq!(server.get("/api/analyze/AAPL", &[]).status, 200);
    }
    drop(server.stop_and_read_log());
    // Without those of the start, one for each migration among them.
    let is_start = |event: &&Value| event["message"] != "listening";
    let events: Vec<Value> = server.events().iter().skip_while(is_start).cloned().collect();
    let access: Vec<&Value> =
        events.iter().filter(|event| event.to_string().contains("/api/analyze/{symbol}")).collect();
    assert_eq!(access.len(), 50);
    assert!(events.len() < 50 + 20, "{} events for 50 requests", events.len());
}

#[test]
fn health_has_its_five_checks() {
    let server = ServerOptions::new().start();
    let response = server.get("/health", &[]);
    assert_eq!(response.status, 200, "{response:?}");
    let health = response.json();
    assert_eq!(health["status"], "healthy");
    for check in ["database", "polygon", "redis", "alpaca", "ml_service"] {
        assert!(health["checks"][check]["status"].is_string(), "{check} in {health}");
    }
    assert_eq!(health["checks"]["alpaca"]["status"], "not_configured");
    assert_eq!(server.get("/livez", &[]).status, 200);
    assert_eq!(server.get("/readyz", &[]).status, 200);
}

#[test]
fn a_reader_of_the_log_that_stalls_stops_neither_requests_nor_the_shutdown() {
    let mut server = ServerOptions::new().set("RATE_LIMIT_PER_MINUTE", "100000").start();
    let path = format!("/{}", "a".repeat(1000));
    let status = server.while_log_is_stalled(|server| {
        // More than what a pipe holds.
        for _ in 0..200 {
            assert_eq!(server.get(&path, &[]).status, 404);
        }
        server.signal("TERM");
        server.wait_at_most(Duration::from_secs(5))
    });
    assert!(status.is_some_and(|status| status.success()), "{status:?}");
}
