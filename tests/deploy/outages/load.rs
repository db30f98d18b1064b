//! Clients that send requests to a deployment, one after another, and a provider that sends deliveries.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use reqwest::Certificate;
use reqwest::blocking::Client;
use tests::events::AlpacaAccount;
use tests::providers::now;
use tests::signer::Signer;

use crate::host::{DOMAIN, Host};

const CLIENTS: usize = 16;
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(20);
const REQUESTS_TIMEOUT: Duration = Duration::from_secs(120);
/// After a failure.
const PAUSE: Duration = Duration::from_millis(20);

/// Runs until it is stopped.
pub(super) struct Load {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    stopped: AtomicBool,
    succeeded: AtomicUsize,
    failed: AtomicUsize,
    first_failure: Mutex<Option<String>>,
    last_failure: Mutex<Option<Instant>>,
    acknowledged: Mutex<BTreeSet<String>>,
}

#[derive(Debug)]
pub(super) struct Tally {
    pub(super) succeeded: usize,
    pub(super) failed: usize,
    first_failure: Option<String>,
    /// Ids of the events that were acknowledged.
    pub(super) acknowledged: BTreeSet<String>,
}

impl Load {
    pub(super) fn start(host: &Host) -> Self {
        let shared = Arc::new(Shared::default());
        let client = client(host);
        let key = host.admin_key();
        let spawn_client = |_| {
            let (shared, client, key) = (Arc::clone(&shared), client.clone(), key.clone());
            std::thread::spawn(move || shared.request_repeatedly(&client, &key))
        };
        let mut threads: Vec<JoinHandle<()>> = (0..CLIENTS).map(spawn_client).collect();
        let secret = std::fs::read_to_string(host.file("secrets/live/alpaca_webhook_secret")).unwrap();
        let provider = Arc::clone(&shared);
        threads.push(std::thread::spawn(move || provider.deliver_repeatedly(&client, secret.trim())));
        Self { shared, threads }
    }

    pub(super) fn tally(&self) -> Tally {
        let Shared { succeeded, failed, first_failure, acknowledged, .. } = &*self.shared;
        Tally {
            succeeded: succeeded.load(Ordering::SeqCst),
            failed: failed.load(Ordering::SeqCst),
            first_failure: first_failure.lock().unwrap().clone(),
            acknowledged: acknowledged.lock().unwrap().clone(),
        }
    }

    pub(super) fn last_failure(&self) -> Option<Instant> {
        *self.shared.last_failure.lock().unwrap()
    }

    /// Waits until so many requests have ended.
    pub(super) fn wait_for_requests(&self, count: usize) {
        let deadline = Instant::now() + REQUESTS_TIMEOUT;
        while self.tally().succeeded + self.tally().failed < count {
            assert!(Instant::now() < deadline, "{} of {count}", self.tally());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    pub(super) fn stop(mut self) -> Tally {
        self.shared.stopped.store(true, Ordering::SeqCst);
        for thread in std::mem::take(&mut self.threads) {
            thread.join().unwrap();
        }
        self.tally()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
    }
}

impl Shared {
    fn request_repeatedly(&self, client: &Client, key: &str) {
        let url = format!("https://{DOMAIN}/api/symbols");
        while !self.stopped.load(Ordering::SeqCst) {
            let response = client.get(&url).header("x-api-key", key).send();
            match response.and_then(|response| Ok((response.status(), response.bytes()?))) {
                Ok((status, _)) if status == 200 => {
                    self.succeeded.fetch_add(1, Ordering::SeqCst);
                }
                Ok((status, body)) => self.fail(format!("{status}: {}", String::from_utf8_lossy(&body))),
                Err(error) => self.fail(format!("{error:?}")),
            }
        }
    }

    /// Deposits of one dollar; a delivery that is not acknowledged is sent again, as providers do.
    fn deliver_repeatedly(&self, client: &Client, secret: &str) {
        let signer = Signer::start();
        let url = format!("https://{DOMAIN}/api/v1/webhooks/alpaca/nta");
        let account = AlpacaAccount::named("outages");
        for number in 0.. {
            let body = account.entry(now(), &format!("deposit {number}"), "CSD", "1.00", "executed");
            while !self.stopped.load(Ordering::SeqCst) {
                let signature = signer.alpaca(secret, now().as_second(), body.as_bytes());
                let request = client.post(&url).header("alpaca-signature", signature);
                let response = request.header("content-type", "application/json").body(body.clone()).send();
                let receipt = response
                    .and_then(reqwest::blocking::Response::error_for_status)
                    .and_then(reqwest::blocking::Response::text);
                if let Ok(receipt) = receipt {
                    let receipt: serde_json::Value = serde_json::from_str(&receipt).unwrap();
                    self.acknowledged.lock().unwrap().insert(receipt["id"].as_str().unwrap().to_owned());
                    break;
                }
                std::thread::sleep(PAUSE);
            }
            if self.stopped.load(Ordering::SeqCst) {
                return;
            }
        }
    }

    fn fail(&self, failure: String) {
        self.failed.fetch_add(1, Ordering::SeqCst);
        *self.last_failure.lock().unwrap() = Some(Instant::now());
        self.first_failure.lock().unwrap().get_or_insert(failure);
        std::thread::sleep(PAUSE);
    }
}

/// Each client has a connection of its own, and trusts Pebble alone.
fn client(host: &Host) -> Client {
    let root = Certificate::from_pem(&std::fs::read(host.file("pebble/root.pem")).unwrap()).unwrap();
    Client::builder()
        .no_proxy()
        .http1_only()
        .timeout(RESPONSE_TIMEOUT)
        .pool_max_idle_per_host(CLIENTS + 1)
        .tls_certs_only([root])
        .resolve(DOMAIN, ([127, 0, 0, 1], 443).into())
        .build()
        .unwrap()
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (all, acknowledged) = (self.succeeded + self.failed, self.acknowledged.len());
        write!(out, "{} of {all} requests failed, {acknowledged} deliveries acknowledged", self.failed)?;
        self.first_failure.as_ref().map_or(Ok(()), |failure| write!(out, "; first failure: {failure}"))
    }
}
