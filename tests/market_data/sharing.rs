//! Many callers, one fetch; an outage, and what is still answered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use market_data::{Error, Freshness, MarketData};
use tests::polygon::{Behaviour, FakePolygon, Route};

use crate::{apple, client, patient, symbol};

/// How long an old answer may be given: long enough for a busy machine to give it twice.
const STALE_FOR: Duration = Duration::from_secs(5);
/// A vendor's silence, above the two seconds that anybody waits for the market.
const STALL: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_number_of_cold_callers_make_one_set_of_calls() {
    for callers in [50, 500] {
        let vendor = FakePolygon::start();
        vendor.delay(Duration::from_millis(50));
        let market_data = Arc::new(client(patient(&vendor)));
        let ask = |market_data: Arc<MarketData>| async move {
            let (snapshot, benchmark) = tokio::join!(apple(&market_data), market_data.benchmark());
            (snapshot.unwrap().version, benchmark.is_some())
        };
        let asking: Vec<_> = (0..callers).map(|_| tokio::spawn(ask(market_data.clone()))).collect();
        let mut answers = Vec::new();
        for caller in asking {
            answers.push(caller.await.unwrap());
        }
        assert!(answers.iter().all(|answer| *answer == answers[0] && answer.1));
        assert_eq!(vendor.calls_total(), 5, "{callers} callers");
    }
}

#[tokio::test]
async fn an_outage_leaves_a_stale_answer_with_its_age_and_then_none() {
    let vendor = FakePolygon::start();
    let mut config = patient(&vendor);
    config.retries_max = 0;
    config.cache.fresh_for = Duration::ZERO;
    config.cache.stale_for = STALE_FOR;
    let market_data = client(config);
    let began = Instant::now();
    let first = apple(&market_data).await.unwrap();
    let fetched = Instant::now();
    assert_eq!(first.freshness, Freshness::Fresh);
    vendor.everywhere(&Behaviour::Status(500));
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    for _ in 0..2 {
        let youngest_s = fetched.elapsed().as_secs();
        let stale = apple(&market_data).await.unwrap();
        let Freshness::Stale { age_s } = stale.freshness else { panic!("{:?}", stale.freshness) };
        assert!((youngest_s..=began.elapsed().as_secs()).contains(&age_s), "{age_s}");
        assert_eq!((stale.version, stale.fetched_at_unix_ms), (first.version, first.fetched_at_unix_ms));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(STALE_FOR).await;
    let error = apple(&market_data).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert!(error.retry_after_s().is_some());
}

#[tokio::test]
async fn a_market_that_stalls_holds_nobody_up_for_long_and_is_there_later() {
    let vendor = FakePolygon::start();
    vendor.next(Route::Bars, [Behaviour::Stall(STALL)]);
    let market_data = client(patient(&vendor));
    let asked = Instant::now();
    assert!(market_data.benchmark().await.is_none());
    assert!(asked.elapsed() < STALL, "{:?}", asked.elapsed());
    while market_data.benchmark().await.is_none() {
        assert!(asked.elapsed() < 10 * STALL, "the fetch goes on");
    }
    assert_eq!(vendor.calls(Route::Bars), 1);
}

#[tokio::test]
async fn the_symbols_listed_are_those_held_and_there_are_no_more_than_the_bound() {
    let vendor = FakePolygon::start();
    vendor.know_all();
    let mut config = patient(&vendor);
    config.cache.symbols_max = 3;
    let market_data = client(config);
    for name in ["A", "B", "C", "D", "E"] {
        market_data.snapshot(&symbol(name)).await.unwrap();
    }
    let listed: Vec<_> =
        market_data.symbols().await.unwrap().into_iter().map(|listed| listed.symbol).collect();
    assert_eq!(listed, [symbol("C"), symbol("D"), symbol("E")]);
    assert_eq!(market_data.stats().read().cache_evictions, 2);
}
