//! An intake with its store, and a fake of the hosts that it fetches from.

mod circle;
mod static_server;
mod subscriptions;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use secrets::{Catalogue, Environment, Profile, Secrets};
use serde_json::Value;
use store::{Receipt, Store};
use telemetry::Clock;
use telemetry::metrics::{Labels, Metrics};
use webhooks::circle::{BASE_URL, SNS_BASE_URL, TOPICS};
use webhooks::{ProviderSettings, SettingValue};

use crate::{IncomingRequest, IntakeError, Outcome, WebhookIntake};
use static_server::StaticServer;

/// An intake that fetches from this server and stores in this directory.
async fn intake(directory: &Path, server: &StaticServer) -> WebhookIntake {
    let topic = "arn:aws:sns:us-east-1:908968368384:sandbox_platform-notifications-topic";
    let url = SettingValue::Text(Some(server.base_url.clone()));
    let settings = ProviderSettings::default()
        .with(BASE_URL.path, &url)
        .with(SNS_BASE_URL.path, &url)
        .with(TOPICS.path, &SettingValue::List(vec![topic.to_owned()]));
    let clock: secrets::Clock = Arc::new(|| Clock::System.now().into());
    let variables = Environment::default().with("CIRCLE_API_KEY", "TEST_API_KEY:some:key");
    let secrets = Secrets::builder(Profile::Development, Catalogue::product(), clock)
        .local(variables, Path::new("/nonexistent"));
    let secrets = secrets.build().await.unwrap();
    let url = format!("sqlite:{}", directory.join("test.db").display()).parse().unwrap();
    let key = audit::Key::new(&[7; 32]).unwrap();
    let store = Store::open(store::StoreConfig::new(url), key, Clock::System.now()).await.unwrap();
    let metrics = Arc::new(Metrics::new(Labels::default()).unwrap());
    WebhookIntake::new(settings, &secrets, store, metrics, &outbound::Proxy::none()).unwrap()
}

/// What becomes of a delivery at Circle's endpoint.
async fn receive(
    intake: &WebhookIntake,
    client: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    now: Timestamp,
) -> Result<Outcome, IntakeError> {
    let parse = |(name, value): &(&str, &str)| {
        (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())
    };
    let headers: HeaderMap = headers.iter().map(parse).collect();
    let (endpoint, client) = ("circle".parse().unwrap(), Some(client.parse().unwrap()));
    intake
        .receive(IncomingRequest { endpoint, headers: &headers, client }, Bytes::copy_from_slice(body), now)
        .await
}

/// The action and the detail of each entry in the audit chain.
async fn audit_entries(store: &Store) -> Vec<(String, Value)> {
    let entries = store.audit_page(0).await.unwrap();
    let entries = entries.iter().map(|sealed| {
        let detail = serde_json::from_str(sealed.entry.detail()).unwrap();
        (sealed.entry.action().to_owned(), detail)
    });
    entries.collect()
}

fn is_stored(outcome: &Result<Outcome, IntakeError>) -> bool {
    matches!(outcome, Ok(Outcome::Stored(Receipt::Stored(_) | Receipt::Duplicate(_))))
}
