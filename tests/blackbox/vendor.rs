//! The server over a market-data vendor that misbehaves: one fetch for many callers, no failure dressed as an answer,
//! the vendor's key nowhere.

use std::time::{Duration, Instant};

use tests::polygon::{Behaviour, FakePolygon, Route};
use tests::{Answer, Server, ServerOptions};

const VENDOR_KEY: &str = "vendor-canary-Qx7mKp2vWn9tLz4rBc8yHs3dJf";
/// Longest wait for one answer.
const ANSWER_WAIT: Duration = Duration::from_secs(120);
/// Longest time for the answer that a vendor fails us: above the bounds of a call with all its tries on a busy machine, and
/// below the 30 s after which every request is given up.
const PATIENCE: Duration = Duration::from_secs(25);
/// How long a server waits for one try of the vendor's.
const VENDOR_WAIT: Duration = Duration::from_secs(5);
/// Upstream calls that one cold analysis may make.
const COLD_CALLS_MAX: usize = 6;

fn over(vendor: &FakePolygon) -> ServerOptions {
    vendor.accept_keys(&[VENDOR_KEY]);
    ServerOptions::new()
        .set("POLYGON_API_KEY", VENDOR_KEY)
        .set("POLYGON_BASE_URL", vendor.base_url())
        .set("RATE_LIMIT_PER_MINUTE", "1000000")
        .set("REQUESTS_IN_FLIGHT_MAX", "2000")
        .set("CONNECTIONS_PER_ADDRESS_MAX", "2000")
}

/// Status and body of each of so many answers to requests that are sent at once.
fn at_once(server: &Server, count: usize, path: &str) -> Vec<(u16, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().timeout(ANSWER_WAIT).build().unwrap();
        let mut asking = tokio::task::JoinSet::new();
        for _ in 0..count {
            let sent = client.get(server.url(path)).send();
            asking.spawn(async move {
                let answer = sent.await.unwrap();
                (answer.status().as_u16(), answer.text().await.unwrap())
            });
        }
        asking.join_all().await
    })
}

#[test]
fn many_cold_callers_of_one_symbol_make_one_set_of_calls() {
    for callers in [50, 300] {
        let vendor = FakePolygon::start();
        vendor.delay(Duration::from_millis(50));
        let server = over(&vendor).start();
        let before = vendor.calls_total();
        let answers = at_once(&server, callers, "/api/analyze/AAPL");
        let refused = answers.iter().find(|(status, _)| *status != 200);
        assert_eq!(refused, None);
        assert!(answers.iter().all(|answer| *answer == answers[0]), "one answer for all");
        assert_eq!(vendor.calls(Route::Bars), 2, "the symbol's bars and the market's, once each");
        let made = vendor.calls_total() - before - vendor.calls(Route::MarketStatus);
        assert!(made <= COLD_CALLS_MAX, "{callers} callers, {made} calls");
    }
}

#[test]
fn a_vendor_that_is_down_is_an_error_and_never_a_neutral_signal() {
    for behaviour in [
        Behaviour::Status(500),
        Behaviour::Status(503),
        Behaviour::Limited { retry_after_s: Some(30) },
        Behaviour::Limited { retry_after_s: None },
        Behaviour::Truncated,
        Behaviour::Garbage,
        Behaviour::Status(401),
        Behaviour::Status(403),
        Behaviour::Redirect("http://127.0.0.1:9/".to_owned()),
        Behaviour::Huge { size_bytes: 200 << 20, is_announced: true },
        Behaviour::Huge { size_bytes: 200 << 20, is_announced: false },
    ] {
        let vendor = FakePolygon::start();
        let server = over(&vendor).start();
        vendor.everywhere(&behaviour);
        let started = Instant::now();
        let answer = server.get("/api/analyze/AAPL", &[]);
        assert!([502, 503].contains(&answer.status), "{behaviour:?}: {answer:?}");
        assert!(answer.problem()["detail"].is_string());
        assert!(!answer.body.contains("Neutral") && !answer.body.contains("overall_signal"), "{answer:?}");
        if answer.status == 503 {
            assert!(
                answer.header("retry-after").is_some_and(|text| text.parse::<u64>().unwrap() >= 1),
                "{answer:?}"
            );
        }
        assert!(started.elapsed() < PATIENCE, "{behaviour:?} took {:?}", started.elapsed());
        assert!(server.resident_kib() < 150 * 1024, "{behaviour:?}: {} KiB", server.resident_kib());
        assert_eq!(server.get("/livez", &[]).status, 200);
    }
}

#[test]
fn a_passing_failure_is_tried_again_and_not_kept_as_a_result() {
    let vendor = FakePolygon::start();
    let server = over(&vendor).start();
    vendor.next(Route::Bars, [Behaviour::Status(500)]);
    assert_eq!(server.get("/api/analyze/AAPL", &[]).status, 200, "500, then a good answer");
    vendor.always(Route::Bars, Behaviour::Status(500));
    assert_eq!(server.get("/api/analyze/MSFT", &[]).status, 503);
    vendor.always(Route::Bars, Behaviour::Well);
    server.until("a failure is kept for a short time only", |server| {
        server.get("/api/analyze/MSFT", &[]).status == 200
    });
}

#[test]
fn a_vendor_that_went_away_leaves_marked_stale_answers() {
    let vendor = FakePolygon::start();
    let server = over(&vendor).set("POLYGON_FRESH_SECS", "1").start();
    let fresh = server.get("/api/analyze/AAPL", &[]).json();
    assert_eq!(fresh["stale"], false, "{fresh}");
    vendor.everywhere(&Behaviour::Status(500));
    let mut stale = fresh.clone();
    server.until("the answer is marked", |server| {
        let answer = server.get("/api/analyze/AAPL", &[]);
        assert_eq!(answer.status, 200, "{answer:?}");
        stale = answer.json();
        stale["stale"] == true
    });
    assert!(stale["age_s"].as_u64().is_some_and(|age_s| age_s >= 1), "{stale}");
    assert_eq!(stale["overall_score"], fresh["overall_score"], "the same data");
}

#[test]
fn an_unknown_symbol_is_404_and_is_not_asked_for_again_at_once() {
    let vendor = FakePolygon::start();
    let server = over(&vendor).start();
    for _ in 0..20 {
        assert_eq!(server.get("/api/analyze/NOSUCH", &[]).status, 404);
    }
    assert!(vendor.calls_total() <= COLD_CALLS_MAX, "{} calls", vendor.calls_total());
}

#[test]
fn an_exhausted_quota_answers_quickly_with_a_time_to_come_back() {
    let vendor = FakePolygon::start();
    vendor.know_all();
    let server = over(&vendor).set("POLYGON_RATE_LIMIT", "5").start();
    let started = Instant::now();
    let answers: Vec<Answer> =
        ["AA", "BB", "CC", "DD", "EE"].map(|symbol| server.get(&format!("/api/bars/{symbol}"), &[])).to_vec();
    let last = answers.last().unwrap();
    assert!([429, 503].contains(&last.status), "{last:?}");
    assert!(last.header("retry-after").is_some());
    // A call is given back every 12 s: whoever waited for one would take longer.
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[test]
fn pages_are_followed_on_the_configured_host_only() {
    let vendor = FakePolygon::start();
    let elsewhere = FakePolygon::start();
    let server = over(&vendor).start();
    vendor.next(Route::Bars, [Behaviour::TwoPages]);
    let paged = server.get("/api/bars/IBM", &[]).json();
    let whole = server.get("/api/bars/MSFT", &[]).json();
    assert_eq!(paged["bars"].as_array().unwrap().len(), whole["bars"].as_array().unwrap().len());
    let hostile =
        format!("{}/v2/aggs/ticker/AAPL/range/1/day/2012-01-01/2013-01-01?cursor=x", elsewhere.base_url());
    for next_url in
        [hostile, "file:///etc/passwd".to_owned(), "http://169.254.169.254/latest/meta-data".to_owned()]
    {
        let server = over(&vendor).start();
        vendor.always(Route::Bars, Behaviour::NextUrl(next_url));
        let answer = server.get("/api/bars/AAPL", &[]);
        assert!([502, 503].contains(&answer.status), "{answer:?}");
    }
    assert_eq!(elsewhere.heads().len(), 0, "no call and no key to another host");
}

#[test]
fn the_key_travels_in_a_header_and_shows_nowhere_else() {
    let vendor = FakePolygon::start();
    let mut server = over(&vendor).set("RUST_LOG", "trace").start();
    let secret = VENDOR_KEY.trim_start_matches("vendor-canary-");
    vendor.next(
        Route::Bars,
        [Behaviour::Well, Behaviour::Status(403), Behaviour::Garbage, Behaviour::Truncated],
    );
    for path in [
        "/api/analyze/AAPL",
        "/api/analyze/MSFT",
        "/api/analyze/IBM",
        "/api/bars/GOOG",
        "/health",
        "/metrics",
    ] {
        let answer = server.get(path, &[]);
        assert!(!answer.body.contains(secret), "{path}: {}", answer.body);
    }
    assert!(!vendor.heads().is_empty());
    for head in vendor.heads() {
        assert!(!head.uri.to_string().contains(secret), "{}", head.uri);
        assert_eq!(head.headers["authorization"], format!("Bearer {VENDOR_KEY}"));
    }
    let log = server.whole_log();
    assert!(log.contains("/api/bars/GOOG") && !log.contains(secret), "not even at trace");
}

#[test]
fn health_calls_nobody_and_an_outage_does_not_fail_liveness() {
    let vendor = FakePolygon::start();
    let server = over(&vendor).set("HEALTH_CHECK_INTERVAL_SECS", "3600").start();
    // When it starts it asks once.
    server.until("the vendor is up", |server| {
        server.get("/health", &[]).json()["checks"]["polygon"]["status"] == "ok"
    });
    let before = vendor.calls_total();
    for _ in 0..2_000 {
        assert!([200, 503].contains(&server.get("/health", &[]).status));
    }
    assert_eq!(vendor.calls_total(), before, "no hit reaches the vendor");
    let vendor = FakePolygon::start();
    // Longer than anybody waits for him: whoever asked him would take longer than is allowed below.
    vendor.everywhere(&Behaviour::Stall(Duration::from_secs(120)));
    let server = over(&vendor).start();
    let started = Instant::now();
    for path in ["/livez", "/health"] {
        let answer = server.get(path, &[]);
        assert!(path == "/health" || answer.status == 200, "{answer:?}");
    }
    assert!(started.elapsed() < VENDOR_WAIT, "{:?}", started.elapsed());
}

#[test]
fn many_symbols_and_windows_keep_memory_bounded() {
    let vendor = FakePolygon::start();
    vendor.know_all();
    let server = over(&vendor).set("POLYGON_RATE_LIMIT", "1000000").set("POLYGON_SYMBOLS_MAX", "50").start();
    let symbol = |i: usize| {
        format!("{}{}{}", char::from(b'A' + (i / 26 % 26) as u8), char::from(b'A' + (i % 26) as u8), i / 676)
    };
    let ask = |from: usize, to: usize| {
        for i in from..to {
            let answer = server.get(&format!("/api/analyze/X{}?days={}", symbol(i), 100 + i % 400), &[]);
            assert_eq!(answer.status, 200, "{answer:?}");
        }
    };
    ask(0, 200);
    let before_kib = server.resident_kib();
    ask(200, 500);
    let grown_kib = server.resident_kib().saturating_sub(before_kib);
    assert!(grown_kib < 16 * 1024, "300 more symbols took {grown_kib} KiB");
}

#[test]
fn prices_that_the_vendor_adjusted_are_never_called_raw() {
    let vendor = FakePolygon::start();
    let server = over(&vendor).start();
    let bars = server.get("/api/bars/AAPL?adjusted=false", &[]).json();
    assert_eq!(bars["price_basis"], "split");
    let analysis = server.get("/api/analyze/AAPL", &[]).json();
    assert_eq!(analysis["technical"]["metrics"]["week52_high"]["price_basis"], "split");
}
