//! A webhook secret rotated while the provider delivers to two servers: it signs with one secret at a time, and no delivery
//! is rejected.

use secrets::rotation::Distribution;
use tests::Server;
use tests::events::AlpacaAccount;
use tests::providers::now;
use tests::secrets_manager::FakeSecretsManager;
use tests::signer::Signer;

use crate::fixture::{OVERLAP, begin, fake, given, id, options, until, wait_until_reported};
use crate::load::{Load, MANY};

const NAME: &str = "alpaca_webhook_secret";
const OLD: &str = "Hn8vTx3qWm6zLr2pKc9yBs5dJgAa7Fe4";
const NEW: &str = "Jp4wRk7nXt9vMq1zGc6yLs8bHdQw2Er5";

/// A provider that delivers to the servers in turn and signs with the load's key.
fn deliveries(servers: &[&Server], secret: &'static str) -> Load {
    let urls = servers.iter().map(|server| server.url("/api/v1/webhooks/alpaca/account")).collect();
    let (signer, mut number) = (Signer::start(), 0);
    Load::start_with(urls, secret, move |client, url, secret| {
        number += 1;
        let body = AlpacaAccount::named(&format!("rotation {number}")).status(now(), "APPROVED", "ACTIVE");
        let header = signer.alpaca(secret, now().as_second(), body.as_bytes());
        client.post(url).header("alpaca-signature", header).body(body)
    })
}

fn server(fake: &FakeSecretsManager) -> Server {
    options(fake).set("WEBHOOK_RATE_LIMIT_PER_MINUTE", "1000000000").start()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_secret_is_rotated_and_rolled_back_without_a_rejected_delivery() {
    let (fake, directory) = (fake(), tempfile::tempdir().unwrap());
    fake.seed(&id(NAME), OLD);
    let (one, two) = (server(&fake), server(&fake));
    let provider = deliveries(&[&one, &two], OLD);
    let mut rotation = begin(&fake, NAME, &directory.path().join("plan"), OVERLAP).await;
    rotation.create(&given(NEW)).await.unwrap();
    wait_until_reported(&[&one, &two], NAME, &rotation.status().to, "pending").await;
    // Both secrets are accepted now, and the provider may sign with either.
    provider.switch(NEW);
    provider.more(MANY).await;
    rotation.finish(Distribution::Reported).await.unwrap();
    wait_until_reported(&[&one, &two], NAME, &rotation.status().to, "current").await;
    provider.switch(OLD);
    provider.more(MANY).await;
    rotation.rollback().await.unwrap();
    wait_until_reported(&[&one, &two], NAME, &rotation.status().to, "current").await;
    provider.more(MANY).await;
    let tally = provider.end().await;
    assert!(tally.failed().is_empty(), "of {}: {:?}", tally.requests.len(), tally.failed().first());
    fake.assert_one_current(&id(NAME));
    eprintln!("webhook secret rotated and rolled back: {} deliveries, 0 rejected", tally.requests.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_one_step_deliveries_are_rejected() {
    let fake = fake();
    fake.seed(&id(NAME), OLD);
    let (one, two) = (server(&fake), server(&fake));
    let provider = deliveries(&[&one, &two], OLD);
    provider.more(1).await;
    // Two servers that happen to refresh just then would make one change seamless, but not every one.
    for secret in [NEW, OLD, NEW, OLD, NEW] {
        fake.seed(&id(NAME), secret);
        provider.switch(secret);
        until("deliveries are accepted again", || provider.tally().is_accepted_now(secret)).await;
        if !provider.tally().failed().is_empty() {
            break;
        }
    }
    let tally = provider.end().await;
    assert!(!tally.failed().is_empty(), "none of {}", tally.requests.len());
    eprintln!(
        "webhook secret in one step: {} deliveries, {} rejected",
        tally.requests.len(),
        tally.failed().len()
    );
}
