//! A vendor that fails: what is tried again, how long callers wait, what they are told.

use std::time::{Duration, Instant};

use market_data::polygon::Config;
use market_data::{Denial, Error, Outage};
use tests::polygon::{Behaviour, FakePolygon, Route};

use crate::{apple, client, patient, symbol};

/// A refusal that asks nobody takes no longer than this, in a debug build on a busy machine: less than any of the waits
/// that the vendor asks for here, which whoever sat them out would take.
const AT_ONCE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_refused_key_and_a_small_plan_are_told_apart_and_not_tried_again() {
    for (status, denial) in [(401, Denial::KeyRefused), (403, Denial::NotInPlan)] {
        let vendor = FakePolygon::start();
        vendor.everywhere(&Behaviour::Status(status));
        let market_data = client(patient(&vendor));
        assert_eq!(apple(&market_data).await.unwrap_err(), Error::Denied(denial));
        assert_eq!(vendor.calls_total(), 2);
        apple(&market_data).await.unwrap_err();
        assert_eq!(vendor.calls_total(), 2, "a denial is remembered");
        assert_eq!(market_data.probe().await, Err(Error::Denied(denial)));
    }
}

#[tokio::test]
async fn a_failure_that_passes_is_tried_again() {
    for status in [500, 502, 503, 504] {
        let vendor = FakePolygon::start();
        vendor.next(Route::Bars, [Behaviour::Status(status)]);
        let market_data = client(patient(&vendor));
        apple(&market_data).await.unwrap();
        assert_eq!(vendor.calls(Route::Bars), 2);
        assert_eq!((market_data.stats().read().retries, market_data.stats().read().calls_failed), (1, 1));
    }
}

#[tokio::test]
async fn a_failure_that_stays_is_tried_three_times_and_then_remembered() {
    let vendor = FakePolygon::start();
    vendor.everywhere(&Behaviour::Status(500));
    let market_data = client(patient(&vendor));
    let error = apple(&market_data).await.unwrap_err();
    assert_eq!(error, Error::Unavailable { kind: Outage::Status(500), retry_after_s: 5 });
    assert_eq!(vendor.calls(Route::Bars), 3);
    let asked = Instant::now();
    let again = apple(&market_data).await.unwrap_err();
    assert!(again.retry_after_s().is_some() && asked.elapsed() < AT_ONCE, "{:?}", asked.elapsed());
    assert_eq!(vendor.calls(Route::Bars), 3);
}

#[tokio::test]
async fn other_refusals_are_not_tried_again() {
    let vendor = FakePolygon::start();
    vendor.everywhere(&Behaviour::Status(418));
    let error = apple(&client(patient(&vendor))).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { kind: Outage::Status(418), .. }));
    assert_eq!(vendor.calls(Route::Bars), 1);
}

#[tokio::test]
async fn a_stall_ends_at_the_bound() {
    let vendor = FakePolygon::start();
    vendor.everywhere(&Behaviour::Stall(Duration::from_secs(60)));
    let config = Config {
        try_timeout: Duration::from_millis(200),
        call_timeout: Duration::from_millis(500),
        ..patient(&vendor)
    };
    let asked = Instant::now();
    let error = apple(&client(config)).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { kind: Outage::Timeout, .. }), "{error:?}");
    assert!(asked.elapsed() < AT_ONCE, "{:?}", asked.elapsed());
}

#[tokio::test]
async fn nobody_listening_is_an_outage() {
    let vendor = FakePolygon::start();
    let config = patient(&vendor);
    drop(vendor);
    let error = apple(&client(config)).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { kind: Outage::Connect, .. }), "{error:?}");
}

#[tokio::test]
async fn the_vendors_429_closes_the_door_for_every_symbol() {
    for (retry_after_s, wait_s) in [(Some(30), 30), (None, 15)] {
        let vendor = FakePolygon::start();
        vendor.always(Route::Bars, Behaviour::Limited { retry_after_s });
        let market_data = client(patient(&vendor));
        let error = apple(&market_data).await.unwrap_err();
        assert_eq!(error, Error::QuotaExhausted { retry_after_s: wait_s });
        let calls = vendor.calls_total();
        let asked = Instant::now();
        let error = market_data.snapshot(&symbol("MSFT")).await.unwrap_err();
        assert!(matches!(error, Error::QuotaExhausted { retry_after_s } if retry_after_s <= wait_s));
        assert!(asked.elapsed() < AT_ONCE, "{:?}", asked.elapsed());
        assert_eq!(vendor.calls_total(), calls, "no call is spent on a closed door");
    }
}

#[tokio::test]
async fn a_short_429_is_sat_out() {
    let vendor = FakePolygon::start();
    vendor.next(Route::News, [Behaviour::Limited { retry_after_s: Some(1) }]);
    let config = Config { cache: cache_that_never_refreshes(), ..patient(&vendor) };
    let snapshot = apple(&client(config)).await.unwrap();
    assert!(snapshot.news.is_some());
    assert_eq!(vendor.calls(Route::News), 2);
}

fn cache_that_never_refreshes() -> market_data::cache::Config {
    market_data::cache::Config { partial_fresh_for: Duration::from_secs(600), ..Default::default() }
}

#[tokio::test]
async fn a_plan_of_five_calls_a_minute_makes_five_and_answers_the_rest_at_once() {
    let vendor = FakePolygon::start();
    vendor.limit(5, Duration::from_secs(60), None);
    let market_data = client(Config { calls_per_minute: 5, ..patient(&vendor) });
    apple(&market_data).await.unwrap();
    market_data.benchmark().await.unwrap();
    let asked = Instant::now();
    for name in ["MSFT", "IBM", "GOOG", "FB"] {
        let error = market_data.snapshot(&symbol(name)).await.unwrap_err();
        assert!(matches!(error, Error::QuotaExhausted { retry_after_s: 30..=60 }), "{error:?}");
    }
    assert!(asked.elapsed() < 4 * AT_ONCE, "{:?}", asked.elapsed());
    assert_eq!(vendor.calls_total(), 5, "the vendor never had to say no");
    assert!(market_data.stats().read().quota_refusals >= 4);
    assert!(apple(&market_data).await.is_ok(), "what is cached is still answered");
}

#[tokio::test]
async fn calls_in_flight_are_capped_and_the_wait_for_a_turn_is_bounded() {
    let vendor = FakePolygon::start();
    vendor.delay(Duration::from_secs(2));
    let turn_wait = Duration::from_millis(200);
    let market_data = client(Config { calls_in_flight_max: 1, turn_wait, ..patient(&vendor) });
    let error = apple(&market_data).await;
    // Bars and name start together: the second waits 200 ms for a turn that comes after two seconds.
    let snapshot = error.unwrap();
    assert_eq!(snapshot.missing.len(), 2, "{:?}", snapshot.missing);
    assert_eq!(market_data.stats().read().busy_refusals, 2);
}

#[tokio::test]
async fn a_probe_goes_by_the_last_outcome() {
    let vendor = FakePolygon::start();
    let market_data = client(patient(&vendor));
    for _ in 0..100 {
        assert_eq!(market_data.probe().await, Ok(()));
    }
    assert_eq!((vendor.calls(Route::MarketStatus), vendor.calls_total()), (1, 1));
}

#[tokio::test]
async fn a_quote_is_the_last_trade() {
    let vendor = FakePolygon::start();
    let market_data = client(patient(&vendor));
    let quote = market_data.quote(&symbol("AAPL")).await.unwrap().unwrap();
    assert_eq!((quote.price, quote.updated_unix_ms), (100.5, Some(1_362_168_000_000)));
    let unknown = symbol("NOSUCH");
    assert_eq!(market_data.quote(&unknown).await.unwrap_err(), Error::UnknownSymbol { symbol: unknown });
}
