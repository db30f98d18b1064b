//! From the vendor's bars to a snapshot.

use domain::{BarDefect, PriceBasis};
use market_data::{Error, Fault, RowFault, RowLocation};
use std::time::Duration;
use tests::polygon::{Behaviour, FakePolygon, Route};

use crate::{apple, client, config, symbol};

#[tokio::test]
async fn a_snapshot_needs_four_calls() {
    let vendor = FakePolygon::start();
    let market_data = client(config(&vendor));
    let snapshot = apple(&market_data).await.unwrap();
    assert_eq!(snapshot.name.as_deref(), Some("AAPL Corporation"));
    assert_eq!(snapshot.history.basis(), PriceBasis::Split);
    assert_eq!(snapshot.as_of.to_string(), "2013-03-01");
    // 840 days end on a Friday: 120 whole weeks and that Friday.
    assert_eq!(snapshot.history.raw().len(), 601);
    assert_eq!(snapshot.filings[0].eps_diluted, Some(5.0));
    assert_eq!(snapshot.news.as_ref().unwrap()[0].publisher, "The Paper");
    assert!(snapshot.missing.is_empty() && !snapshot.is_stale());
    assert_eq!((snapshot.data_source, snapshot.quality.refused_total), ("polygon", 0));
    assert_eq!(vendor.calls_total(), 4);
    let benchmark = market_data.benchmark().await.unwrap();
    assert_eq!((benchmark.name, benchmark.returns.values().len()), ("SPY", 600));
    market_data.benchmark().await.unwrap();
    assert_eq!(vendor.calls_total(), 5);
}

#[tokio::test]
async fn the_request_names_range_adjustment_and_order() {
    let vendor = FakePolygon::start();
    client(config(&vendor)).snapshot(&symbol("BRK.B")).await.unwrap_err();
    let uri =
        vendor.heads().iter().map(|head| head.uri.to_string()).find(|uri| uri.contains("/aggs/")).unwrap();
    assert_eq!(
        uri,
        "/v2/aggs/ticker/BRK.B/range/1/day/2003-03-01/2013-03-01?adjusted=true&sort=asc&limit=50000"
    );
}

#[tokio::test]
async fn two_pages_are_one_history() {
    let vendor = FakePolygon::start();
    let whole = apple(&client(config(&vendor))).await.unwrap();
    vendor.always(Route::Bars, Behaviour::TwoPages);
    let paged = apple(&client(config(&vendor))).await.unwrap();
    assert_eq!(paged.history.raw(), whole.history.raw());
    assert_eq!(paged.version, whole.version);
    assert_eq!(vendor.calls(Route::Bars), 3);
}

#[tokio::test]
async fn endless_pages_stop_at_the_limit() {
    let vendor = FakePolygon::start();
    vendor.always(Route::Bars, Behaviour::EndlessPages);
    let error = apple(&client(config(&vendor))).await.unwrap_err();
    assert!(
        matches!(error, Error::BadData { fault: Fault::TooManyPages { limit_pages: 10 }, .. }),
        "{error:?}"
    );
    assert_eq!(vendor.calls(Route::Bars), 10);
}

#[tokio::test]
async fn bars_out_of_order_are_sorted_and_duplicates_are_rejected_and_listed() {
    let vendor = FakePolygon::start();
    let whole = apple(&client(config(&vendor))).await.unwrap();
    vendor.always(Route::Bars, Behaviour::OutOfOrderAndDuplicate);
    let snapshot = apple(&client(config(&vendor))).await.unwrap();
    assert_eq!(snapshot.history.raw(), whole.history.raw());
    let rejected: Vec<_> = snapshot.quality.refused.iter().map(|row| (row.location, row.reason)).collect();
    let position = RowLocation::Position { position: 600 };
    assert_eq!(rejected, [(position, RowFault::Bar(BarDefect::DuplicateDate))]);
    let notes = &snapshot.quality.notes;
    assert_eq!(notes.last().unwrap(), "rows left out: 1 duplicate_date; the first is of 2013-03-01");
}

#[tokio::test]
async fn a_bar_without_a_price_or_at_noon_is_rejected_and_listed() {
    let vendor = FakePolygon::start();
    vendor.always(Route::Bars, Behaviour::BadBars);
    let snapshot = apple(&client(config(&vendor))).await.unwrap();
    assert_eq!(snapshot.history.raw().len(), 599);
    let reasons: Vec<_> = snapshot.quality.refused.iter().map(|row| row.reason).collect();
    assert_eq!(reasons, [RowFault::MissingField, RowFault::NotMidnight]);
}

#[tokio::test]
async fn no_results_mean_bad_data_for_a_known_symbol_and_unknown_symbol_otherwise() {
    for behaviour in [Behaviour::EmptyResults, Behaviour::MissingResults] {
        let vendor = FakePolygon::start();
        vendor.always(Route::Bars, behaviour);
        let error = apple(&client(config(&vendor))).await.unwrap_err();
        assert_eq!(error, Error::BadData { symbol: symbol("AAPL"), fault: Fault::NoBars });
    }
    let vendor = FakePolygon::start();
    let market_data = client(config(&vendor));
    let unknown = symbol("NOSUCH");
    for _ in 0..10 {
        let error = market_data.snapshot(&unknown).await.unwrap_err();
        assert_eq!(error, Error::UnknownSymbol { symbol: unknown, similar: vec![] });
    }
    assert_eq!(vendor.calls_total(), 2, "fetched once, then cached");
}

#[tokio::test]
async fn after_a_split_the_whole_history_is_replaced() {
    let vendor = FakePolygon::start();
    let mut config = config(&vendor);
    config.cache.fresh_for = Duration::ZERO;
    let market_data = client(config);
    let before = apple(&market_data).await.unwrap();
    vendor.always(Route::Bars, Behaviour::AfterSplit);
    let mut after = apple(&market_data).await.unwrap();
    while after.version == before.version {
        tokio::time::sleep(Duration::from_millis(5)).await;
        after = apple(&market_data).await.unwrap();
    }
    let (before, after) = (before.history.raw().view(), after.history.raw().view());
    assert_eq!(before.len(), after.len());
    assert!(before.close.iter().zip(after.close).all(|(old, new)| old / 2.0 == *new));
    assert!(before.volume.iter().zip(after.volume).all(|(old, new)| old * 2.0 == *new));
}
