//! Requests at a fixed rate, whether or not earlier ones have a response.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder};
use tests::Server;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

use crate::fixture::until;

/// Between two requests; servers take turns.
const PERIOD: Duration = Duration::from_millis(5);
/// Below the server's limit of connections per address, so that a stalled machine makes requests late and not rejected.
const IN_FLIGHT_MAX: usize = 200;
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);

/// Enough for each of two servers to have got some.
const LATEST: usize = 20;

/// Enough requests to notice a short failure.
pub(crate) const MANY: usize = 200;

pub(crate) struct Load {
    key: Arc<Mutex<&'static str>>,
    tally: Arc<Mutex<Tally>>,
    task: JoinHandle<()>,
    stop: tokio::sync::watch::Sender<bool>,
}

#[derive(Clone, Debug)]
pub(crate) struct SentRequest {
    pub(crate) sent_at: Instant,
    pub(crate) key: &'static str,
    /// `None` when no response came.
    pub(crate) status: Option<u16>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// The completed ones.
    pub(crate) requests: Vec<SentRequest>,
    /// By key.
    in_flight: BTreeMap<&'static str, usize>,
}

impl Load {
    /// Sends requests with this API key to these servers in turn.
    pub(crate) fn start(servers: &[&Server], key: &'static str) -> Self {
        let urls = servers.iter().map(|server| server.url("/api/symbols")).collect();
        Self::start_with(urls, key, |client, url, key| client.get(url).header("x-api-key", key))
    }

    /// Sends what `request` builds from a client, one of the URLs and the key.
    pub(crate) fn start_with(
        urls: Vec<String>,
        key: &'static str,
        request: impl FnMut(&Client, &str, &str) -> RequestBuilder + Send + 'static,
    ) -> Self {
        let (key, tally) = (Arc::new(Mutex::new(key)), Arc::default());
        let (stop, stop_requested) = tokio::sync::watch::channel(false);
        let task = tokio::spawn(run(urls, Arc::clone(&key), Arc::clone(&tally), request, stop_requested));
        Self { key, tally, task, stop }
    }

    /// Uses this key from now on.
    pub(crate) fn switch(&self, key: &'static str) {
        *self.key.lock().unwrap() = key;
    }

    /// Waits until no request with this key is in flight.
    pub(crate) async fn drain(&self, key: &'static str) {
        until(&format!("no request with {key} is in flight"), || self.tally().in_flight_with(key) == 0).await;
    }

    /// Waits until so many more requests are sent and completed.
    pub(crate) async fn more(&self, count: usize) {
        let wanted = self.tally().sent() + count;
        until(&format!("{count} more requests"), || self.tally().requests.len() >= wanted).await;
    }

    pub(crate) fn tally(&self) -> Tally {
        self.tally.lock().unwrap().clone()
    }

    /// Stops, and waits for the last responses.
    pub(crate) async fn end(self) -> Tally {
        self.stop.send_replace(true);
        self.task.await.unwrap();
        self.tally.lock().unwrap().clone()
    }
}

impl Tally {
    pub(crate) fn failed(&self) -> Vec<&SentRequest> {
        self.requests.iter().filter(|request| request.status != Some(200)).collect()
    }

    /// Requests with this key that were sent after `moment` and accepted.
    pub(crate) fn accepted_after(&self, moment: Instant, key: &str) -> usize {
        let after = self.requests.iter().filter(|request| request.sent_at > moment && request.key == key);
        after.filter(|request| request.status == Some(200)).count()
    }

    /// Whether the latest requests used this key and every server accepted it.
    pub(crate) fn is_accepted_now(&self, key: &str) -> bool {
        let mut latest = self.requests.iter().rev().take(LATEST);
        self.requests.len() >= LATEST
            && latest.all(|request| request.key == key && request.status == Some(200))
    }

    fn in_flight_with(&self, key: &str) -> usize {
        self.in_flight.get(key).copied().unwrap_or_default()
    }

    fn sent(&self) -> usize {
        self.requests.len() + self.in_flight.values().sum::<usize>()
    }

    fn begin(&mut self, key: &'static str) {
        *self.in_flight.entry(key).or_default() += 1;
    }

    fn complete(&mut self, request: SentRequest) {
        *self.in_flight.entry(request.key).or_default() -= 1;
        self.requests.push(request);
    }
}

async fn run(
    urls: Vec<String>,
    key: Arc<Mutex<&'static str>>,
    tally: Arc<Mutex<Tally>>,
    mut request: impl FnMut(&Client, &str, &str) -> RequestBuilder,
    stop_requested: tokio::sync::watch::Receiver<bool>,
) {
    let client = Client::builder().no_proxy().timeout(RESPONSE_TIMEOUT).build().unwrap();
    let permits = Arc::new(Semaphore::new(IN_FLIGHT_MAX));
    let mut ticks = tokio::time::interval(PERIOD);
    // Requests that a stalled machine missed are not sent in a burst.
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut tasks = JoinSet::new();
    for url in urls.iter().cycle() {
        ticks.tick().await;
        let permit = Arc::clone(&permits).acquire_owned().await.unwrap();
        if *stop_requested.borrow() {
            break;
        }
        let (key, tally) = (begin(&key, &tally), Arc::clone(&tally));
        let request = request(&client, url, key);
        tasks.spawn(async move {
            let sent_at = Instant::now();
            let status = request.send().await.ok().map(|response| response.status().as_u16());
            tally.lock().unwrap().complete(SentRequest { sent_at, key, status });
            drop(permit);
        });
    }
    tasks.join_all().await;
}

/// The key to send, counted under the lock, so that a later `drain` of it misses no request.
fn begin(key: &Mutex<&'static str>, tally: &Mutex<Tally>) -> &'static str {
    let key = key.lock().unwrap();
    tally.lock().unwrap().begin(*key);
    *key
}
