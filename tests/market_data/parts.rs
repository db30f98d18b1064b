//! Snapshots with bars but without some other part.

use std::time::Duration;

use market_data::{AbsentPart, Denial, Error, Fault, Outage, Part};
use tests::polygon::{Behaviour, FakePolygon, Route};

use crate::{apple, client, config, symbol};

#[tokio::test]
async fn a_failed_part_is_missing_with_its_reason() {
    for (route, behaviour, part, error) in [
        (Route::News, Behaviour::Status(403), Part::News, Some(Error::Denied(Denial::NotInPlan))),
        (Route::News, Behaviour::Status(404), Part::News, None),
        (
            Route::Financials,
            Behaviour::Truncated,
            Part::Financials,
            Some(Error::BadData { symbol: symbol("AAPL"), fault: Fault::NotAsDocumented }),
        ),
        (
            Route::Details,
            Behaviour::Status(500),
            Part::Details,
            Some(Error::Unavailable { kind: Outage::Status(500), retry_after_s: 5 }),
        ),
    ] {
        let vendor = FakePolygon::start();
        vendor.always(route, behaviour);
        let snapshot = apple(&client(config(&vendor))).await.unwrap();
        assert_eq!(*snapshot.missing, [AbsentPart { part, error }]);
        assert_eq!(snapshot.news.is_none(), part == Part::News);
        assert_eq!(snapshot.filings.is_empty(), part == Part::Financials);
        assert_eq!(snapshot.name.is_none(), part == Part::Details);
    }
}

#[tokio::test]
async fn an_empty_list_of_news_is_not_missing() {
    let vendor = FakePolygon::start();
    vendor.always(Route::News, Behaviour::MissingResults);
    let snapshot = apple(&client(config(&vendor))).await.unwrap();
    assert_eq!(snapshot.news.as_deref(), Some(&[][..]));
    assert!(snapshot.missing.is_empty());
}

#[tokio::test]
async fn a_missing_part_is_fetched_soon_and_an_earlier_one_is_reused() {
    let vendor = FakePolygon::start();
    vendor.always(Route::News, Behaviour::Status(500));
    let mut config = config(&vendor);
    config.cache.partial_fresh_for = Duration::ZERO;
    config.cache.fresh_for = Duration::ZERO;
    config.reference_fresh_for = Duration::ZERO;
    let market_data = client(config);
    let partial = apple(&market_data).await.unwrap();
    assert!(partial.news.is_none());
    vendor.always(Route::News, Behaviour::Documented);
    let mut whole = apple(&market_data).await.unwrap();
    while whole.news.is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
        whole = apple(&market_data).await.unwrap();
    }
    assert_ne!(partial.version, whole.version);
    vendor.always(Route::News, Behaviour::Status(500));
    vendor.always(Route::Details, Behaviour::Status(500));
    let calls = vendor.calls(Route::News);
    while vendor.calls(Route::News) < calls + 8 {
        let later = apple(&market_data).await.unwrap();
        assert!(later.news.is_some() && later.name.is_some() && later.missing.is_empty());
        assert_eq!(later.version, whole.version);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_refresh_within_a_day_fetches_bars_and_news_only() {
    let vendor = FakePolygon::start();
    let mut config = config(&vendor);
    config.cache.fresh_for = Duration::ZERO;
    let market_data = client(config);
    let first = apple(&market_data).await.unwrap();
    while vendor.calls(Route::News) < 3 {
        let later = apple(&market_data).await.unwrap();
        assert_eq!(later.version, first.version);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!((vendor.calls(Route::Details), vendor.calls(Route::Financials)), (1, 1));
    assert!(vendor.calls(Route::Bars) >= 3);
}
