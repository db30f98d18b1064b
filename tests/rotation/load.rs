//! Requests at a fixed rate: the next one goes out whether or not the one before was answered.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tests::Server;
use tokio::task::{JoinHandle, JoinSet};

/// One request each so often, to one server after the other.
const PERIOD: Duration = Duration::from_millis(5);

/// Requests under way.
pub(crate) struct Load {
    key: Arc<Mutex<&'static str>>,
    task: JoinHandle<Vec<Shot>>,
    stop: tokio::sync::watch::Sender<bool>,
    began: Instant,
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Shot {
    pub(crate) at: Instant,
    pub(crate) key: &'static str,
    /// `None` when no answer came.
    pub(crate) status: Option<u16>,
}

/// Everything that was sent.
#[derive(Debug)]
pub(crate) struct Tally(pub(crate) Vec<Shot>);

impl Load {
    /// Begins, with this key.
    pub(crate) fn start(servers: &[&Server], key: &'static str) -> Self {
        Self::of(servers.iter().map(|server| server.url("/api/symbols")).collect(), key)
    }

    /// Begins to ask for these addresses.
    pub(crate) fn of(urls: Vec<String>, key: &'static str) -> Self {
        let key = Arc::new(Mutex::new(key));
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let task = tokio::spawn(shoot(urls, Arc::clone(&key), stopped));
        Self { key, task, stop, began: Instant::now() }
    }

    /// Sends this key from now on.
    pub(crate) fn switch(&self, key: &'static str) {
        *self.key.lock().unwrap() = key;
    }

    /// Ends, and waits for the last answers.
    pub(crate) async fn end(self) -> Tally {
        self.stop.send_replace(true);
        let took = self.began.elapsed();
        let tally = Tally(self.task.await.unwrap());
        // A generator that falls behind would hide the moments in which requests fail.
        let expected = took.as_secs_f64() / PERIOD.as_secs_f64();
        assert!(tally.0.len() as f64 > 0.8 * expected, "{} of {expected} requests were sent", tally.0.len());
        tally
    }
}

impl Tally {
    pub(crate) fn failed(&self) -> Vec<&Shot> {
        self.0.iter().filter(|shot| shot.status != Some(200)).collect()
    }

    /// How many were answered with this key after `moment`.
    pub(crate) fn accepted_after(&self, moment: Instant, key: &str) -> usize {
        let after = self.0.iter().filter(|shot| shot.at > moment && shot.key == key);
        after.filter(|shot| shot.status == Some(200)).count()
    }

    pub(crate) fn sent_after(&self, moment: Instant) -> usize {
        self.0.iter().filter(|shot| shot.at > moment).count()
    }
}

async fn shoot(
    urls: Vec<String>,
    key: Arc<Mutex<&'static str>>,
    stopped: tokio::sync::watch::Receiver<bool>,
) -> Vec<Shot> {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    let mut flying = JoinSet::new();
    for url in urls.iter().cycle() {
        ticks.tick().await;
        if *stopped.borrow() {
            break;
        }
        let key = *key.lock().unwrap();
        let request = client.get(url).header("x-api-key", key);
        flying.spawn(async move {
            let at = Instant::now();
            let status = request.send().await.ok().map(|answer| answer.status().as_u16());
            Shot { at, key, status }
        });
    }
    flying.join_all().await
}
