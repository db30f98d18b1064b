//! Vendor failures: retries, timeouts and errors.

use std::time::{Duration, Instant};

use market_data::polygon::Config;
use market_data::{Denial, Error, Outage};
use tests::polygon::{Behaviour, FakePolygon, Route};

use crate::{apple, client, config, symbol};

/// For an error without a call, in a debug build on a busy machine; less than any `Retry-After` here.
const AT_ONCE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_rejected_key_and_an_insufficient_plan_are_distinct_and_not_retried() {
    for (status, denial) in [(401, Denial::KeyRefused), (403, Denial::NotInPlan)] {
        let vendor = FakePolygon::start();
        vendor.everywhere(&Behaviour::Status(status));
        let market_data = client(config(&vendor));
        assert_eq!(apple(&market_data).await.unwrap_err(), Error::Denied(denial));
        assert_eq!(vendor.calls_total(), 2);
        apple(&market_data).await.unwrap_err();
        assert_eq!(vendor.calls_total(), 2, "a denial is cached");
        assert_eq!(market_data.probe().await, Err(Error::Denied(denial)));
    }
}

#[tokio::test]
async fn a_transient_failure_is_retried() {
    for status in [500, 502, 503, 504] {
        let vendor = FakePolygon::start();
        vendor.next(Route::Bars, [Behaviour::Status(status)]);
        let market_data = client(config(&vendor));
        apple(&market_data).await.unwrap();
        assert_eq!(vendor.calls(Route::Bars), 2);
        assert_eq!(
            (market_data.stats().snapshot().retries, market_data.stats().snapshot().calls_failed),
            (1, 1)
        );
    }
}

#[tokio::test]
async fn a_permanent_failure_is_tried_three_times_and_then_cached() {
    let vendor = FakePolygon::start();
    vendor.everywhere(&Behaviour::Status(500));
    let market_data = client(config(&vendor));
    let error = apple(&market_data).await.unwrap_err();
    assert_eq!(error, Error::Unavailable { kind: Outage::Status(500), retry_after_s: 5 });
    assert_eq!(vendor.calls(Route::Bars), 3);
    let started = Instant::now();
    let cached = apple(&market_data).await.unwrap_err();
    assert!(cached.retry_after_s().is_some() && started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
    assert_eq!(vendor.calls(Route::Bars), 3);
}

#[tokio::test]
async fn other_client_errors_are_not_retried() {
    let vendor = FakePolygon::start();
    vendor.everywhere(&Behaviour::Status(418));
    let error = apple(&client(config(&vendor))).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { kind: Outage::Status(418), .. }));
    assert_eq!(vendor.calls(Route::Bars), 1);
}

#[tokio::test]
async fn a_stall_times_out() {
    let vendor = FakePolygon::start();
    vendor.everywhere(&Behaviour::Stall(Duration::from_secs(60)));
    let config = Config {
        try_timeout: Duration::from_millis(200),
        call_timeout: Duration::from_millis(500),
        ..config(&vendor)
    };
    let started = Instant::now();
    let error = apple(&client(config)).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { kind: Outage::Timeout, .. }), "{error:?}");
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_refused_connection_is_an_outage() {
    let vendor = FakePolygon::start();
    let config = config(&vendor);
    drop(vendor);
    let error = apple(&client(config)).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { kind: Outage::Connect, .. }), "{error:?}");
}

#[tokio::test]
async fn a_429_stops_calls_for_every_symbol() {
    for (retry_after_s, wait_s) in [(Some(30), 30), (None, 15)] {
        let vendor = FakePolygon::start();
        vendor.always(Route::Bars, Behaviour::Limited { retry_after_s });
        let market_data = client(config(&vendor));
        let error = apple(&market_data).await.unwrap_err();
        assert_eq!(error, Error::QuotaExhausted { retry_after_s: wait_s });
        let calls = vendor.calls_total();
        let started = Instant::now();
        let error = market_data.snapshot(&symbol("MSFT")).await.unwrap_err();
        assert!(matches!(error, Error::QuotaExhausted { retry_after_s } if retry_after_s <= wait_s));
        assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
        assert_eq!(vendor.calls_total(), calls, "no further call is made");
    }
}

#[tokio::test]
async fn a_short_429_is_waited_out() {
    let vendor = FakePolygon::start();
    vendor.next(Route::News, [Behaviour::Limited { retry_after_s: Some(1) }]);
    let config = Config { cache: cache_that_never_refreshes(), ..config(&vendor) };
    let snapshot = apple(&client(config)).await.unwrap();
    assert!(snapshot.news.is_some());
    assert_eq!(vendor.calls(Route::News), 2);
}

fn cache_that_never_refreshes() -> market_data::CacheConfig {
    market_data::CacheConfig { partial_fresh_for: Duration::from_secs(600), ..Default::default() }
}

#[tokio::test]
async fn five_calls_a_minute_are_made_and_the_rest_fail_at_once() {
    let vendor = FakePolygon::start();
    vendor.limit(5, Duration::from_secs(60), None);
    let market_data = client(Config { calls_per_minute: 5, ..config(&vendor) });
    apple(&market_data).await.unwrap();
    market_data.benchmark().await.unwrap();
    let started = Instant::now();
    for name in ["MSFT", "IBM", "GOOG", "FB"] {
        let error = market_data.snapshot(&symbol(name)).await.unwrap_err();
        assert!(matches!(error, Error::QuotaExhausted { retry_after_s: 30..=60 }), "{error:?}");
    }
    assert!(started.elapsed() < 4 * AT_ONCE, "{:?}", started.elapsed());
    assert_eq!(vendor.calls_total(), 5, "the vendor's limit is never reached");
    assert!(market_data.stats().snapshot().quota_refusals >= 4);
    assert!(apple(&market_data).await.is_ok(), "the cache still serves");
}

#[tokio::test]
async fn calls_in_flight_are_capped_and_the_wait_for_a_permit_is_bounded() {
    let vendor = FakePolygon::start();
    vendor.delay(Duration::from_secs(2));
    let permit_timeout = Duration::from_millis(200);
    let market_data = client(Config { calls_in_flight_max: 1, permit_timeout, ..config(&vendor) });
    // Bars and name start together: the second waits 200 ms for a permit that is free after two seconds.
    let snapshot = apple(&market_data).await.unwrap();
    assert_eq!(snapshot.missing.len(), 2, "{:?}", snapshot.missing);
    assert_eq!(market_data.stats().snapshot().busy_refusals, 2);
}

#[tokio::test]
async fn probes_reuse_the_last_outcome() {
    let vendor = FakePolygon::start();
    let market_data = client(config(&vendor));
    for _ in 0..100 {
        assert_eq!(market_data.probe().await, Ok(()));
    }
    assert_eq!((vendor.calls(Route::MarketStatus), vendor.calls_total()), (1, 1));
}
