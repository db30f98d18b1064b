//! The API key: in one header, and nowhere else.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use market_data::polygon::{Config, bearer};
use market_data::{Denial, Error, MarketData};
use tests::polygon::{Behaviour, FakePolygon, Route};

use crate::{KEY, NOW_UNIX_MS, apple, client, config, symbol};

#[tokio::test]
async fn the_key_is_in_no_url_error_or_debug_text_whatever_the_response() {
    for behaviour in [
        Behaviour::Documented,
        Behaviour::TwoPages,
        Behaviour::Status(401),
        Behaviour::Status(403),
        Behaviour::Status(500),
        Behaviour::Garbage,
        Behaviour::Truncated,
        Behaviour::Limited { retry_after_s: Some(9) },
        Behaviour::NextUrl(format!("http://127.0.0.1:9/?apiKey={KEY}")),
        Behaviour::Redirect(format!("http://127.0.0.1:9/?apiKey={KEY}")),
        Behaviour::Stall(Duration::from_secs(60)),
    ] {
        let vendor = FakePolygon::start();
        vendor.everywhere(&behaviour);
        // One stalls: its timeout error must not have the key either.
        let try_timeout = Duration::from_secs(3);
        let market_data = client(Config { try_timeout, retries_max: 1, ..config(&vendor) });
        let outcome = apple(&market_data).await;
        let error = outcome.as_ref().err().map(ToString::to_string);
        for text in [format!("{outcome:?}"), format!("{error:?}"), format!("{market_data:?}")] {
            assert!(!text.contains(KEY), "{behaviour:?}");
        }
        assert!(!vendor.heads().is_empty());
        for head in vendor.heads() {
            assert!(!head.uri.to_string().contains(KEY), "{}", head.uri);
            assert_eq!(head.headers["authorization"], format!("Bearer {KEY}"));
        }
    }
}

#[tokio::test]
async fn without_a_key_nothing_is_sent() {
    let vendor = FakePolygon::start();
    let market_data =
        MarketData::polygon(config(&vendor), Arc::new(|| None), Arc::new(|| NOW_UNIX_MS)).unwrap();
    assert_eq!(apple(&market_data).await.unwrap_err(), Error::Denied(Denial::NoKey));
    assert_eq!(vendor.calls_total(), 0);
}

#[tokio::test]
async fn a_new_key_is_used_from_the_next_call_on() {
    let vendor = FakePolygon::start();
    vendor.accept_keys(&["old", "new"]);
    let key = Arc::new(Mutex::new("old"));
    let source = {
        let key = key.clone();
        Arc::new(move || bearer(*key.lock().unwrap()))
    };
    let market_data = MarketData::polygon(config(&vendor), source, Arc::new(|| NOW_UNIX_MS)).unwrap();
    apple(&market_data).await.unwrap();
    *key.lock().unwrap() = "new";
    vendor.accept_keys(&["new"]);
    market_data.snapshot(&symbol("MSFT")).await.unwrap();
    assert_eq!(vendor.calls(Route::Bars), 2);
    assert_eq!(vendor.heads().last().unwrap().headers["authorization"], "Bearer new");
}

#[test]
fn a_key_that_is_no_header_value_is_none() {
    assert!(bearer("line\nbreak").is_none());
    assert!(bearer("fine").unwrap().is_sensitive());
}
