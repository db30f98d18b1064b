//! Requests at random times and a fixed mean rate to several servers, and what one limit allows of them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use reqwest::{Client, Method};
use tests::Server;
use tokio::runtime::Runtime;

const RESPONSE_TIMEOUT: Duration = Duration::from_secs(20);

/// What is sent.
#[derive(Clone, Debug)]
pub(crate) struct Traffic {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    /// One of them for each request, in turn.
    pub(crate) keys: Vec<String>,
    pub(crate) per_second: f64,
    /// The part of the requests that the first server gets beside its share.
    pub(crate) skew: f64,
}

/// One response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    /// Since the start of the load.
    pub(crate) at: Duration,
    pub(crate) took: Duration,
    /// 0 without a response.
    pub(crate) status: u16,
}

/// A load that runs until it is stopped.
pub(crate) struct Load {
    is_stopped: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Sent>>,
    pub(crate) started: Instant,
}

impl Traffic {
    pub(crate) fn of_key(key: &str, per_second: f64) -> Self {
        let keys = vec![key.to_owned()];
        Self { method: Method::GET, path: "/api/symbols", keys, per_second, skew: 0.0 }
    }

    pub(crate) fn start(&self, servers: &[&Server]) -> Load {
        let urls: Vec<String> = servers.iter().map(|server| server.url(self.path)).collect();
        let (traffic, is_stopped) = (self.clone(), Arc::new(AtomicBool::new(false)));
        let (stopped, started) = (Arc::clone(&is_stopped), Instant::now());
        let thread = std::thread::spawn(move || traffic.send(&urls, started, &stopped));
        Load { is_stopped, thread, started }
    }

    /// Sends for this time.
    pub(crate) fn run(&self, servers: &[&Server], time: Duration) -> Vec<Sent> {
        let load = self.start(servers);
        std::thread::sleep(time);
        load.stop()
    }

    fn send(&self, urls: &[String], started: Instant, is_stopped: &AtomicBool) -> Vec<Sent> {
        let runtime = Runtime::new().unwrap();
        let client = Client::builder().timeout(RESPONSE_TIMEOUT).no_proxy().build().unwrap();
        let sent = Arc::new(Mutex::new(Vec::new()));
        let (mut random, mut at) = (Random(42), Duration::ZERO);
        let mut tasks = Vec::new();
        for number in 0_usize.. {
            at += Duration::from_secs_f64(-(1.0 - random.unit()).ln() / self.per_second);
            if is_stopped.load(Ordering::Relaxed) {
                break;
            }
            std::thread::sleep(at.saturating_sub(started.elapsed()));
            let is_first = random.unit() < self.skew;
            let any = (random.unit() * urls.len() as f64) as usize;
            let url = &urls[if is_first { 0 } else { any }];
            let key = &self.keys[number % self.keys.len()];
            let request = client.request(self.method.clone(), url).header("x-api-key", key);
            let sent = Arc::clone(&sent);
            tasks.push(runtime.spawn(async move {
                let at = started.elapsed();
                let response = request.send().await;
                let took = started.elapsed() - at;
                let status = response.map_or(0, |response| response.status().as_u16());
                sent.lock().unwrap().push(Sent { at, took, status });
            }));
        }
        for task in tasks {
            runtime.block_on(task).unwrap();
        }
        let mut sent = std::mem::take(&mut *sent.lock().unwrap());
        sent.sort_by_key(|sent| sent.at);
        sent
    }
}

impl Load {
    pub(crate) fn stop(self) -> Vec<Sent> {
        self.is_stopped.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// Allowed requests divided by what one GCRA limit allows of the same requests.
pub(crate) fn ratio(sent: &[Sent], per_minute: u32, burst: u32) -> f64 {
    let period = Duration::from_secs(60) / per_minute;
    let (mut arrival, mut ideal) = (Duration::ZERO, 0_usize);
    for Sent { at, .. } in sent {
        let next = arrival.max(*at) + period;
        if next <= *at + period * burst {
            (arrival, ideal) = (next, ideal + 1);
        }
    }
    allowed(sent) as f64 / ideal as f64
}

pub(crate) fn allowed(sent: &[Sent]) -> usize {
    sent.iter().filter(|sent| sent.status != 429).count()
}

/// No request failed, whatever happened to Redis.
pub(crate) fn assert_all_answered(sent: &[Sent]) {
    let failed: Vec<_> = sent.iter().filter(|sent| sent.status == 0 || sent.status >= 500).collect();
    assert!(failed.is_empty(), "{} of {}: {:?}", failed.len(), sent.len(), &failed[..failed.len().min(5)]);
}

/// Those that were sent in this time.
pub(crate) fn within(sent: &[Sent], from: Duration, to: Duration) -> Vec<Sent> {
    sent.iter().filter(|sent| (from..to).contains(&sent.at)).copied().collect()
}

/// SplitMix64.
struct Random(u64);

impl Random {
    /// From 0 to below 1.
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}
