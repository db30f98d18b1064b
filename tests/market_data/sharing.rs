//! One fetch for many callers, and stale data in an outage.

use std::sync::Arc;
use std::time::{Duration, Instant};

use market_data::{Error, Freshness, MarketData};
use tests::polygon::{Behaviour, FakePolygon, Route};

use crate::{apple, client, config, symbol};

/// Long enough for a busy machine to serve stale data twice.
const STALE_FOR: Duration = Duration::from_secs(5);
/// Above the two seconds for which a caller waits for the market's data.
const STALL: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_number_of_cold_callers_make_one_set_of_calls() {
    for callers in [50, 500] {
        let vendor = FakePolygon::start();
        vendor.delay(Duration::from_millis(50));
        let market_data = Arc::new(client(config(&vendor)));
        let fetch = |market_data: Arc<MarketData>| async move {
            let (snapshot, benchmark) = tokio::join!(apple(&market_data), market_data.benchmark());
            (snapshot.unwrap().version, benchmark.is_some())
        };
        let tasks: Vec<_> = (0..callers).map(|_| tokio::spawn(fetch(market_data.clone()))).collect();
        let mut results = Vec::new();
        for task in tasks {
            results.push(task.await.unwrap());
        }
        assert!(results.iter().all(|result| *result == results[0] && result.1));
        assert_eq!(vendor.calls_total(), 5, "{callers} callers");
    }
}

#[tokio::test]
async fn an_outage_yields_stale_data_with_its_age_and_then_an_error() {
    let vendor = FakePolygon::start();
    let mut config = config(&vendor);
    config.retries_max = 0;
    config.cache.fresh_for = Duration::ZERO;
    config.cache.stale_for = STALE_FOR;
    let market_data = client(config);
    let started = Instant::now();
    let first = apple(&market_data).await.unwrap();
    let fetched = Instant::now();
    assert_eq!(first.freshness, Freshness::Fresh);
    vendor.everywhere(&Behaviour::Status(500));
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    for _ in 0..2 {
        let youngest_s = fetched.elapsed().as_secs();
        let stale = apple(&market_data).await.unwrap();
        let Freshness::Stale { age_s } = stale.freshness else { panic!("{:?}", stale.freshness) };
        assert!((youngest_s..=started.elapsed().as_secs()).contains(&age_s), "{age_s}");
        assert_eq!((stale.version, stale.fetched_at_unix_ms), (first.version, first.fetched_at_unix_ms));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(STALE_FOR).await;
    let error = apple(&market_data).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert!(error.retry_after_s().is_some());
}

#[tokio::test]
async fn a_stalled_benchmark_does_not_block_and_arrives_later() {
    let vendor = FakePolygon::start();
    vendor.next(Route::Bars, [Behaviour::Stall(STALL)]);
    let market_data = client(config(&vendor));
    let started = Instant::now();
    assert!(market_data.benchmark().await.is_none());
    assert!(started.elapsed() < STALL, "{:?}", started.elapsed());
    while market_data.benchmark().await.is_none() {
        assert!(started.elapsed() < 10 * STALL, "the fetch goes on");
    }
    assert_eq!(vendor.calls(Route::Bars), 1);
}

#[tokio::test]
async fn the_listed_symbols_are_the_cached_ones_up_to_the_limit() {
    let vendor = FakePolygon::start();
    vendor.know_all();
    let mut config = config(&vendor);
    config.cache.symbols_max = 3;
    let market_data = client(config);
    for name in ["A", "B", "C", "D", "E"] {
        market_data.snapshot(&symbol(name)).await.unwrap();
    }
    let listed: Vec<_> =
        market_data.symbols().await.unwrap().symbols.into_iter().map(|listed| listed.symbol).collect();
    // The cache resists scans, so symbols that were used once do not displace all of the earlier ones.
    assert_eq!(listed, [symbol("A"), symbol("B"), symbol("E")]);
    assert_eq!(market_data.stats().snapshot().cache_evictions, 2);
}
