//! The secret of a provider's webhooks, rotated while it delivers to two servers: the provider signs with one secret at a
//! time, and no delivery is refused at any moment.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrets::rotation::Distribution;
use tests::events::AlpacaAccount;
use tests::providers::now;
use tests::secrets_manager::FakeSecretsManager;
use tests::signer::Signer;
use tests::{Server, ServerOptions};
use tokio::task::{JoinHandle, JoinSet};

use crate::stage::{OVERLAP, TTL, begin, fake, given, id, options, reported};

const NAME: &str = "alpaca_webhook_secret";
const OLD: &str = "Hn8vTx3qWm6zLr2pKc9yBs5dJgAa7Fe4";
const NEW: &str = "Jp4wRk7nXt9vMq1zGc6yLs8bHdQw2Er5";
/// One delivery each so often, to one server after the other, whether or not the one before was answered.
const PERIOD: Duration = Duration::from_millis(10);

/// A provider that delivers.
struct Provider {
    secret: Arc<Mutex<&'static str>>,
    task: JoinHandle<Vec<Option<u16>>>,
    stop: tokio::sync::watch::Sender<bool>,
}

impl Provider {
    fn start(servers: &[&Server], secret: &'static str) -> Self {
        let urls = servers.iter().map(|server| server.url("/api/v1/webhooks/alpaca/account")).collect();
        let secret = Arc::new(Mutex::new(secret));
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let task = tokio::spawn(deliver(urls, Arc::clone(&secret), stopped));
        Self { secret, task, stop }
    }

    /// Signs with this from now on.
    fn switch(&self, secret: &'static str) {
        *self.secret.lock().unwrap() = secret;
    }

    /// The status of every delivery.
    async fn end(self) -> Vec<Option<u16>> {
        self.stop.send_replace(true);
        self.task.await.unwrap()
    }
}

async fn deliver(
    urls: Vec<String>,
    secret: Arc<Mutex<&'static str>>,
    stopped: tokio::sync::watch::Receiver<bool>,
) -> Vec<Option<u16>> {
    let signer = Signer::start();
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    let mut flying = JoinSet::new();
    for (number, url) in urls.iter().cycle().enumerate() {
        ticks.tick().await;
        if *stopped.borrow() {
            break;
        }
        let body = AlpacaAccount::named(&format!("rotation {number}")).status(now(), "APPROVED", "ACTIVE");
        let secret = *secret.lock().unwrap();
        let header = signer.alpaca(secret, now().as_second(), body.as_bytes());
        let request = client.post(url).header("alpaca-signature", header).body(body);
        flying.spawn(async move { request.send().await.ok().map(|answer| answer.status().as_u16()) });
    }
    flying.join_all().await
}

fn failed(statuses: &[Option<u16>]) -> usize {
    statuses.iter().filter(|status| **status != Some(200)).count()
}

fn server(fake: &FakeSecretsManager) -> Server {
    receiving(options(fake)).start()
}

fn receiving(options: ServerOptions) -> ServerOptions {
    options.set("WEBHOOK_RATE_LIMIT_PER_MINUTE", "1000000000")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_secret_is_rotated_and_rolled_back_without_one_refused_delivery() {
    let (fake, place) = (fake(), tempfile::tempdir().unwrap());
    fake.seed(&id(NAME), OLD);
    let (one, two) = (server(&fake), server(&fake));
    let provider = Provider::start(&[&one, &two], OLD);
    let mut rotation = begin(&fake, NAME, &place.path().join("plan"), OVERLAP).await;
    rotation.create(&given(NEW)).await.unwrap();
    reported(&[&one, &two], NAME, &rotation.status().to, "pending").await;
    // Both secrets are accepted now, and the provider may sign with either.
    provider.switch(NEW);
    tokio::time::sleep(TTL / 2).await;
    rotation.finish(Distribution::Reported).await.unwrap();
    reported(&[&one, &two], NAME, &rotation.status().to, "current").await;
    provider.switch(OLD);
    tokio::time::sleep(TTL / 2).await;
    rotation.rollback().await.unwrap();
    reported(&[&one, &two], NAME, &rotation.status().to, "current").await;
    tokio::time::sleep(TTL).await;
    let statuses = provider.end().await;
    assert!(statuses.len() > 200, "{}", statuses.len());
    assert_eq!(failed(&statuses), 0, "of {}", statuses.len());
    fake.assert_one_current(&id(NAME));
    eprintln!("webhook secret rotated and rolled back: {} deliveries, 0 refused", statuses.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_one_step_deliveries_are_refused() {
    let fake = fake();
    fake.seed(&id(NAME), OLD);
    let (one, two) = (server(&fake), server(&fake));
    let provider = Provider::start(&[&one, &two], OLD);
    tokio::time::sleep(TTL / 2).await;
    fake.seed(&id(NAME), NEW);
    provider.switch(NEW);
    tokio::time::sleep(3 * TTL).await;
    let statuses = provider.end().await;
    assert!(failed(&statuses) > 0, "none of {}", statuses.len());
    eprintln!("webhook secret in one step: {} deliveries, {} refused", statuses.len(), failed(&statuses));
}
