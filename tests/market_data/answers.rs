//! Answers that are not what was asked for.

use market_data::{Error, Fault};
use tests::polygon::{Behaviour, FakePolygon, Route};

use crate::{apple, client, patient, symbol};

async fn fault_of(behaviour: Behaviour) -> (Fault, usize) {
    let vendor = FakePolygon::start();
    vendor.always(Route::Bars, behaviour);
    match apple(&client(patient(&vendor))).await {
        Err(Error::BadData { fault, .. }) => (fault, vendor.calls(Route::Bars)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn truncated_foreign_and_mistaken_answers_are_refused_without_another_try() {
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
async fn the_key_goes_to_no_other_host() {
    let elsewhere = FakePolygon::start();
    let url = format!("{}/v2/aggs/ticker/AAPL/next", elsewhere.base_url());
    assert_eq!(fault_of(Behaviour::NextUrl(url.clone())).await, (Fault::ForeignPage, 1));
    assert_eq!(fault_of(Behaviour::Redirect(url)).await, (Fault::Redirect, 1));
    assert_eq!(elsewhere.calls_total(), 0);
}

#[tokio::test]
async fn a_body_without_end_is_left_at_its_bound() {
    for is_announced in [true, false] {
        let vendor = FakePolygon::start();
        let huge = Behaviour::Huge { size_bytes: 100 * 1024 * 1024, is_announced };
        vendor.always(Route::Bars, huge);
        let error = apple(&client(patient(&vendor))).await.unwrap_err();
        let fault = Fault::TooLarge { limit_bytes: 12 * 1024 * 1024 };
        assert_eq!(error, Error::BadData { symbol: symbol("AAPL"), fault });
        assert_eq!(vendor.calls(Route::Bars), 1);
    }
}
