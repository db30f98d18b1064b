//! A desk with its store, and a fake of the hosts that it asks.

mod circle;
mod host;
mod subscriptions;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use serde_json::Value;
use store::{Receipt, Store};

use super::{Desk, Door, Refusal, Sent, Taken};
use crate::clock::Clock;
use host::Host;

/// A desk that asks this host and keeps what it takes in this directory.
async fn desk(directory: &Path, host: &Host) -> Desk {
    let topics = "arn:aws:sns:us-east-1:908968368384:sandbox_platform-notifications-topic";
    let environment = [
        ("SECRETS_DIR", "/nonexistent"),
        ("CIRCLE_API_KEY", "TEST_API_KEY:some:key"),
        ("CIRCLE_BASE_URL", &*host.base_url),
        ("SNS_BASE_URL", &*host.base_url),
        ("CIRCLE_SNS_TOPICS", topics),
    ];
    let environment = environment.into_iter().collect();
    let config = crate::config::load(&environment, None).unwrap();
    let found = crate::assembly::secrets(&config, &environment).await.unwrap();
    let url = format!("sqlite:{}", directory.join("test.db").display()).parse().unwrap();
    let key = ::audit::Key::new(&[7; 32]).unwrap();
    let store = Store::open(store::StoreConfig::new(url), key, Clock::System.now()).await.unwrap();
    let metrics = Arc::new(crate::metrics::Metrics::new([]).unwrap());
    crate::assembly::desk(&config, &found, store, &metrics).unwrap()
}

/// What becomes of a delivery at Circle's door.
async fn take(
    desk: &Desk,
    client: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    now: Timestamp,
) -> Result<Taken, Refusal> {
    let read = |(name, value): &(&str, &str)| {
        (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())
    };
    let headers: HeaderMap = headers.iter().map(read).collect();
    let sent = Sent { door: Door::Circle, headers: &headers, client: Some(client.parse().unwrap()) };
    desk.take(sent, Bytes::copy_from_slice(body), now).await
}

/// The action and the detail of each entry in the audit chain.
async fn recorded(store: &Store) -> Vec<(String, Value)> {
    let entries = store.audit_page(0).await.unwrap();
    let told = entries.iter().map(|sealed| {
        let detail = serde_json::from_str(sealed.entry.detail()).unwrap();
        (sealed.entry.action().to_owned(), detail)
    });
    told.collect()
}

fn is_kept(taken: &Result<Taken, Refusal>) -> bool {
    matches!(taken, Ok(Taken::Kept(Receipt::Stored(_) | Receipt::Duplicate(_))))
}
