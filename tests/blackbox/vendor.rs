//! The server with a faulty market-data vendor: one fetch for many callers, no failure presented as a result, the vendor's
//! key nowhere.

use std::time::{Duration, Instant};

use tests::polygon::{Behaviour, FakePolygon, Route};
use tests::{Response, Server, ServerOptions};

const VENDOR_KEY: &str = "vendor-canary-Qx7mKp2vWn9tLz4rBc8yHs3dJf";
/// Longest wait for one response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(120);
/// For the response about a vendor's failure: above a call with all its retries on a busy machine, and below the request
/// timeout of 30 s.
const FAILURE_TIMEOUT: Duration = Duration::from_secs(25);
/// The server's timeout for one attempt at the vendor.
const VENDOR_TIMEOUT: Duration = Duration::from_secs(5);
/// Most memory for responses of four calls at once, of which at most 12 MiB each are read into a buffer that doubles.
const MEMORY_KIB: u64 = 96 * 1024;
/// Vendor calls that one cold analysis may make.
const COLD_CALLS_MAX: usize = 6;

fn with_vendor(vendor: &FakePolygon) -> ServerOptions {
    vendor.accept_keys(&[VENDOR_KEY]);
    ServerOptions::new()
        .set("POLYGON_API_KEY", VENDOR_KEY)
        .set("POLYGON_BASE_URL", vendor.base_url())
        .set("RATE_LIMIT_PER_MINUTE", "1000000")
        .set("REQUESTS_IN_FLIGHT_MAX", "2000")
        .set("CONNECTIONS_PER_ADDRESS_MAX", "2000")
}

/// Sends `count` requests at once; returns the status and body of each.
fn get_concurrently(server: &Server, count: usize, path: &str) -> Vec<(u16, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().timeout(RESPONSE_TIMEOUT).build().unwrap();
        let mut requests = tokio::task::JoinSet::new();
        for _ in 0..count {
            let request = client.get(server.url(path)).send();
            requests.spawn(async move {
                let response = request.await.unwrap();
                (response.status().as_u16(), response.text().await.unwrap())
            });
        }
        requests.join_all().await
    })
}

#[test]
fn many_cold_callers_of_one_symbol_make_one_set_of_calls() {
    for callers in [50, 300] {
        let vendor = FakePolygon::start();
        vendor.delay(Duration::from_millis(50));
        let server = with_vendor(&vendor).start();
        let before = vendor.calls_total();
        let responses = get_concurrently(&server, callers, "/api/analyze/AAPL");
        let failed = responses.iter().find(|(status, _)| *status != 200);
        assert_eq!(failed, None);
        assert!(responses.iter().all(|response| *response == responses[0]), "all get the same response");
        assert_eq!(vendor.calls(Route::Bars), 2, "the symbol's bars and the market's, once each");
        let calls = vendor.calls_total() - before - vendor.calls(Route::MarketStatus);
        assert!(calls <= COLD_CALLS_MAX, "{callers} callers, {calls} calls");
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
        let server = with_vendor(&vendor).start();
        vendor.everywhere(&behaviour);
        let (started, before_kib) = (Instant::now(), server.resident_kib());
        let response = server.get("/api/analyze/AAPL", &[]);
        assert!([502, 503].contains(&response.status), "{behaviour:?}: {response:?}");
        assert!(response.problem()["detail"].is_string());
        assert!(
            !response.body.contains("Neutral") && !response.body.contains("overall_signal"),
            "{response:?}"
        );
        if response.status == 503 {
            assert!(
                response.header("retry-after").is_some_and(|text| text.parse::<u64>().unwrap() >= 1),
                "{response:?}"
            );
        }
        assert!(started.elapsed() < FAILURE_TIMEOUT, "{behaviour:?} took {:?}", started.elapsed());
        let growth_kib = server.resident_kib().saturating_sub(before_kib);
        assert!(growth_kib < MEMORY_KIB, "{behaviour:?}: {growth_kib} KiB");
        assert_eq!(server.get("/livez", &[]).status, 200);
    }
}

#[test]
fn a_transient_failure_is_retried_and_not_cached_for_long() {
    let vendor = FakePolygon::start();
    let server = with_vendor(&vendor).start();
    vendor.next(Route::Bars, [Behaviour::Status(500)]);
    assert_eq!(server.get("/api/analyze/AAPL", &[]).status, 200, "500, then success");
    vendor.always(Route::Bars, Behaviour::Status(500));
    assert_eq!(server.get("/api/analyze/MSFT", &[]).status, 503);
    vendor.always(Route::Bars, Behaviour::Documented);
    server.wait_until("the failure is no longer cached", |server| {
        server.get("/api/analyze/MSFT", &[]).status == 200
    });
}

#[test]
fn responses_are_marked_stale_while_the_vendor_is_down() {
    let vendor = FakePolygon::start();
    let server = with_vendor(&vendor).set("POLYGON_FRESH_SECS", "1").start();
    let fresh = server.get("/api/analyze/AAPL", &[]).json();
    assert_eq!(fresh["stale"], false, "{fresh}");
    vendor.everywhere(&Behaviour::Status(500));
    let mut stale = fresh.clone();
    server.wait_until("the response is marked stale", |server| {
        let response = server.get("/api/analyze/AAPL", &[]);
        assert_eq!(response.status, 200, "{response:?}");
        stale = response.json();
        stale["stale"] == true
    });
    assert!(stale["age_s"].as_u64().is_some_and(|age_s| age_s >= 1), "{stale}");
    assert_eq!(stale["overall_score"], fresh["overall_score"], "the same data");
}

#[test]
fn an_unknown_symbol_is_404_and_is_not_fetched_again_at_once() {
    let vendor = FakePolygon::start();
    let server = with_vendor(&vendor).start();
    for _ in 0..20 {
        assert_eq!(server.get("/api/analyze/NOSUCH", &[]).status, 404);
    }
    assert!(vendor.calls_total() <= COLD_CALLS_MAX, "{} calls", vendor.calls_total());
}

#[test]
fn an_exhausted_quota_responds_at_once_with_retry_after() {
    let vendor = FakePolygon::start();
    vendor.know_all();
    let server = with_vendor(&vendor).set("POLYGON_RATE_LIMIT", "5").start();
    let started = Instant::now();
    let responses: Vec<Response> =
        ["AA", "BB", "CC", "DD", "EE"].map(|symbol| server.get(&format!("/api/bars/{symbol}"), &[])).to_vec();
    let last = responses.last().unwrap();
    assert!([429, 503].contains(&last.status), "{last:?}");
    assert!(last.header("retry-after").is_some());
    // A call is replenished every 12 s: waiting for one would take longer.
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[test]
fn pages_are_followed_on_the_configured_host_only() {
    let vendor = FakePolygon::start();
    let elsewhere = FakePolygon::start();
    let server = with_vendor(&vendor).start();
    vendor.next(Route::Bars, [Behaviour::TwoPages]);
    let paged = server.get("/api/bars/IBM", &[]).json();
    let whole = server.get("/api/bars/MSFT", &[]).json();
    assert_eq!(paged["bars"].as_array().unwrap().len(), whole["bars"].as_array().unwrap().len());
    let hostile =
        format!("{}/v2/aggs/ticker/AAPL/range/1/day/2012-01-01/2013-01-01?cursor=x", elsewhere.base_url());
    for next_url in
        [hostile, "file:///etc/passwd".to_owned(), "http://169.254.169.254/latest/meta-data".to_owned()]
    {
        let server = with_vendor(&vendor).start();
        vendor.always(Route::Bars, Behaviour::NextUrl(next_url));
        let response = server.get("/api/bars/AAPL", &[]);
        assert!([502, 503].contains(&response.status), "{response:?}");
    }
    assert_eq!(elsewhere.heads().len(), 0, "another host gets no call and no key");
}

#[test]
fn the_key_is_sent_in_a_header_and_appears_nowhere_else() {
    let vendor = FakePolygon::start();
    let mut server = with_vendor(&vendor).set("RUST_LOG", "trace").start();
    let secret = VENDOR_KEY.trim_start_matches("vendor-canary-");
    vendor.next(
        Route::Bars,
        [Behaviour::Documented, Behaviour::Status(403), Behaviour::Garbage, Behaviour::Truncated],
    );
    for path in [
        "/api/analyze/AAPL",
        "/api/analyze/MSFT",
        "/api/analyze/IBM",
        "/api/bars/GOOG",
        "/health",
        "/metrics",
    ] {
        let response = server.get(path, &[]);
        assert!(!response.body.contains(secret), "{path}: {}", response.body);
    }
    assert!(!vendor.heads().is_empty());
    for head in vendor.heads() {
        assert!(!head.uri.to_string().contains(secret), "{}", head.uri);
        assert_eq!(head.headers["authorization"], format!("Bearer {VENDOR_KEY}"));
    }
    let log = server.stop_and_read_log();
    assert!(log.contains("/api/bars/GOOG") && !log.contains(secret), "not even at trace");
}

#[test]
fn health_calls_no_vendor_and_an_outage_does_not_fail_liveness() {
    let vendor = FakePolygon::start();
    let options = with_vendor(&vendor).set("HEALTH_CHECK_INTERVAL_SECS", "3600");
    let server = options.set("RATE_LIMIT_PER_MINUTE", "1000000000").start();
    // It checks once at the start.
    server.wait_until("the vendor is up", |server| {
        server.get("/health", &[]).json()["checks"]["polygon"]["status"] == "ok"
    });
    let before = vendor.calls_total();
    for _ in 0..2_000 {
        assert!([200, 503].contains(&server.get("/health", &[]).status));
    }
    assert_eq!(vendor.calls_total(), before, "no hit reaches the vendor");
    let vendor = FakePolygon::start();
    // Longer than every timeout: a call to the vendor would exceed the bound below.
    vendor.everywhere(&Behaviour::Stall(Duration::from_secs(120)));
    let server = with_vendor(&vendor).start();
    let started = Instant::now();
    for path in ["/livez", "/health"] {
        let response = server.get(path, &[]);
        assert!(path == "/health" || response.status == 200, "{response:?}");
    }
    assert!(started.elapsed() < VENDOR_TIMEOUT, "{:?}", started.elapsed());
}

#[test]
fn many_symbols_and_windows_keep_memory_bounded() {
    let vendor = FakePolygon::start();
    vendor.know_all();
    let server =
        with_vendor(&vendor).set("POLYGON_RATE_LIMIT", "1000000").set("POLYGON_SYMBOLS_MAX", "50").start();
    let symbol = |i: usize| {
        format!("{}{}{}", char::from(b'A' + (i / 26 % 26) as u8), char::from(b'A' + (i % 26) as u8), i / 676)
    };
    let analyze_each = |from: usize, to: usize| {
        for i in from..to {
            let response = server.get(&format!("/api/analyze/X{}?days={}", symbol(i), 100 + i % 400), &[]);
            assert_eq!(response.status, 200, "{response:?}");
        }
    };
    analyze_each(0, 200);
    let before_kib = server.resident_kib();
    analyze_each(200, 500);
    let grown_kib = server.resident_kib().saturating_sub(before_kib);
    assert!(grown_kib < 16 * 1024, "300 more symbols took {grown_kib} KiB");
}

#[test]
fn vendor_adjusted_prices_are_never_called_raw() {
    let vendor = FakePolygon::start();
    let server = with_vendor(&vendor).start();
    let bars = server.get("/api/bars/AAPL?adjusted=false", &[]).json();
    assert_eq!(bars["price_basis"], "split");
    let analysis = server.get("/api/analyze/AAPL", &[]).json();
    assert_eq!(analysis["technical"]["metrics"]["week52_high"]["price_basis"], "split");
}

#[test]
fn securities_whose_symbols_differ_in_case_alone_are_never_mixed_up() {
    let vendor = FakePolygon::start();
    let server = with_vendor(&vendor).start();
    let get = |symbol: &str| server.get(&format!("/api/bars/{symbol}?days=5"), &[]);
    let [preferred, other] = ["AMpB", "AMPB"].map(|symbol| {
        let bars = get(symbol).json();
        assert_eq!(bars["symbol"], symbol);
        bars["bars"].clone()
    });
    assert_ne!(preferred, other);
    assert_eq!(get("AMpB").json()["bars"], preferred, "from the cache");
    let either = get("ampb");
    assert_eq!((either.status, &either.problem()["similar"]), (404, &serde_json::json!(["AMPB"])));
}
