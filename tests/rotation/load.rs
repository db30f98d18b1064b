//! Requests at a fixed rate: the next one goes out whether or not the one before was answered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder};
use tests::Server;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

use crate::stage::until;

/// One request each so often, to one server after the other.
const PERIOD: Duration = Duration::from_millis(5);
/// Requests that are not answered yet: fewer than a server accepts connections of one address, so that a machine which
/// stands still for a while makes them late and not refused.
const FLYING_MAX: usize = 200;
/// Longest wait for one answer.
const ANSWER_WAIT: Duration = Duration::from_secs(60);

/// Of so many that are sent to two servers in turns, each has got some.
const LATEST: usize = 20;

/// Enough requests that a moment in which some fail is not missed.
pub(crate) const MANY: usize = 200;

/// Requests under way.
pub(crate) struct Load {
    key: Arc<Mutex<&'static str>>,
    tally: Arc<Mutex<Tally>>,
    task: JoinHandle<()>,
    stop: tokio::sync::watch::Sender<bool>,
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Shot {
    pub(crate) at: Instant,
    pub(crate) key: &'static str,
    /// `None` when no answer came.
    pub(crate) status: Option<u16>,
}

/// What was sent, and what became of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Everything that was answered.
    pub(crate) shots: Vec<Shot>,
    /// How many with each key are not.
    flying: BTreeMap<&'static str, usize>,
}

impl Load {
    /// Begins to ask these servers for what needs a key, with this one.
    pub(crate) fn start(servers: &[&Server], key: &'static str) -> Self {
        let urls = servers.iter().map(|server| server.url("/api/symbols")).collect();
        Self::of(urls, key, |client, url, key| client.get(url).header("x-api-key", key))
    }

    /// Begins to send what `request` makes of a client, one of these addresses and the key.
    pub(crate) fn of(
        urls: Vec<String>,
        key: &'static str,
        request: impl FnMut(&Client, &str, &str) -> RequestBuilder + Send + 'static,
    ) -> Self {
        let (key, tally) = (Arc::new(Mutex::new(key)), Arc::default());
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let task = tokio::spawn(shoot(urls, Arc::clone(&key), Arc::clone(&tally), request, stopped));
        Self { key, tally, task, stop }
    }

    /// Sends this key from now on.
    pub(crate) fn switch(&self, key: &'static str) {
        *self.key.lock().unwrap() = key;
    }

    /// Waits until nothing that was sent with this key is without an answer.
    pub(crate) async fn answered(&self, key: &'static str) {
        until(&format!("all with {key} are answered"), || self.tally().flying_with(key) == 0).await;
    }

    /// Waits until so many more were sent from now on, and answered: however slow the machine is, so often was looked.
    pub(crate) async fn more(&self, count: usize) {
        let wanted = self.tally().sent() + count;
        until(&format!("{count} more requests"), || self.tally().shots.len() >= wanted).await;
    }

    /// What became of everything so far.
    pub(crate) fn tally(&self) -> Tally {
        self.tally.lock().unwrap().clone()
    }

    /// Ends, and waits for the last answers.
    pub(crate) async fn end(self) -> Tally {
        self.stop.send_replace(true);
        self.task.await.unwrap();
        self.tally.lock().unwrap().clone()
    }
}

impl Tally {
    pub(crate) fn failed(&self) -> Vec<&Shot> {
        self.shots.iter().filter(|shot| shot.status != Some(200)).collect()
    }

    /// How many were sent with this key after `moment` and accepted.
    pub(crate) fn accepted_after(&self, moment: Instant, key: &str) -> usize {
        let after = self.shots.iter().filter(|shot| shot.at > moment && shot.key == key);
        after.filter(|shot| shot.status == Some(200)).count()
    }

    /// Whether the latest were sent with this key and accepted, as many as show that every server does.
    pub(crate) fn ends_well(&self, key: &str) -> bool {
        let mut latest = self.shots.iter().rev().take(LATEST);
        self.shots.len() >= LATEST && latest.all(|shot| shot.key == key && shot.status == Some(200))
    }

    fn flying_with(&self, key: &str) -> usize {
        self.flying.get(key).copied().unwrap_or_default()
    }

    fn sent(&self) -> usize {
        self.shots.len() + self.flying.values().sum::<usize>()
    }

    fn take_off(&mut self, key: &'static str) {
        *self.flying.entry(key).or_default() += 1;
    }

    fn land(&mut self, shot: Shot) {
        *self.flying.entry(shot.key).or_default() -= 1;
        self.shots.push(shot);
    }
}

async fn shoot(
    urls: Vec<String>,
    key: Arc<Mutex<&'static str>>,
    tally: Arc<Mutex<Tally>>,
    mut request: impl FnMut(&Client, &str, &str) -> RequestBuilder,
    stopped: tokio::sync::watch::Receiver<bool>,
) {
    let client = Client::builder().no_proxy().timeout(ANSWER_WAIT).build().unwrap();
    let places = Arc::new(Semaphore::new(FLYING_MAX));
    let mut ticks = tokio::time::interval(PERIOD);
    // What a machine that stood still did not send is not sent all at once: that would be another test.
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut flying = JoinSet::new();
    for url in urls.iter().cycle() {
        ticks.tick().await;
        let place = Arc::clone(&places).acquire_owned().await.unwrap();
        if *stopped.borrow() {
            break;
        }
        let (key, tally) = (take_off(&key, &tally), Arc::clone(&tally));
        let request = request(&client, url, key);
        flying.spawn(async move {
            let at = Instant::now();
            let status = request.send().await.ok().map(|answer| answer.status().as_u16());
            tally.lock().unwrap().land(Shot { at, key, status });
            drop(place);
        });
    }
    flying.join_all().await;
}

/// The key to send, already counted: who switches to another one and then looks finds every request with this one.
fn take_off(key: &Mutex<&'static str>, tally: &Mutex<Tally>) -> &'static str {
    let key = key.lock().unwrap();
    tally.lock().unwrap().take_off(*key);
    *key
}
