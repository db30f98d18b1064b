//! Responses that do not match the request.

use market_data::{Error, Fault};
use tests::polygon::{Behaviour, FakePolygon, Route};

use crate::{apple, client, config, symbol};

async fn fault_of(behaviour: Behaviour) -> (Fault, usize) {
    let vendor = FakePolygon::start();
    vendor.always(Route::Bars, behaviour);
    match apple(&client(config(&vendor))).await {
        Err(Error::BadData { fault, .. }) => (fault, vendor.calls(Route::Bars)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn truncated_foreign_and_mismatched_responses_are_rejected_without_a_retry() {
    for (behaviour, fault) in [
        (Behaviour::Truncated, Fault::NotAsDocumented),
        (Behaviour::Garbage, Fault::NotAsDocumented),
        (Behaviour::OtherTicker, Fault::OtherSymbol),
        (Behaviour::NextUrl("not a URL".to_owned()), Fault::NotAsDocumented),
    ] {
        assert_eq!(fault_of(behaviour.clone()).await, (fault, 1), "{behaviour:?}");
    }
}

#[tokio::test]
async fn the_key_is_sent_to_no_other_host() {
    let elsewhere = FakePolygon::start();
    let url = format!("{}/v2/aggs/ticker/AAPL/next", elsewhere.base_url());
    assert_eq!(fault_of(Behaviour::NextUrl(url.clone())).await, (Fault::ForeignPage, 1));
    assert_eq!(fault_of(Behaviour::Redirect(url)).await, (Fault::Redirect, 1));
    assert_eq!(elsewhere.calls_total(), 0);
}

#[tokio::test]
async fn an_endless_body_is_cut_at_the_limit() {
    for is_announced in [true, false] {
        let vendor = FakePolygon::start();
        let huge = Behaviour::Huge { size_bytes: 100 * 1024 * 1024, is_announced };
        vendor.always(Route::Bars, huge);
        let error = apple(&client(config(&vendor))).await.unwrap_err();
        let fault = Fault::TooLarge { limit_bytes: 12 * 1024 * 1024 };
        assert_eq!(error, Error::BadData { symbol: symbol("AAPL"), fault });
        assert_eq!(vendor.calls(Route::Bars), 1);
    }
}
