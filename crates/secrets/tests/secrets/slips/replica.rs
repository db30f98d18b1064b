//! Replicas of a process, whose source fails as a test says, and the requests that they refuse.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use secrets::{Catalogue, Error, Event, Outage, Profile, Requester, SecretHandle, SecretSpec, Secrets};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::fixture::clock;
use crate::scripted::{Scripted, not_found, origin, throttled};

pub(super) const NAME: &str = "api_keys";
pub(super) const OLD: &str = "Hn8vTx3qWm6zLr2pKc9yBs5dJgAa7Fe4";
pub(super) const NEW: &str = "Jp4wRk7nXt9vMq1zGc6yLs8bHdQw2Er5";
pub(super) const SECOND: Duration = Duration::from_secs(1);
/// Between two requests to a replica.
pub(super) const PERIOD: Duration = Duration::from_millis(500);
const REPLICAS: usize = 4;

pub(super) type Fault = fn(&SecretSpec) -> Result<&'static str, Error>;

/// Every way in which a read fails that is no change by an operator, those first that say that there is no value. Malformed text
/// that this crate accepts is refused by the parser of the keys, which keeps the last good list.
pub(super) const FAULTS: [(&str, Fault); 8] = [
    ("access denied", |spec| Err(denied(spec, "AccessDeniedException"))),
    ("the key of KMS is denied", |spec| Err(denied(spec, "DecryptionFailure"))),
    ("not found", |spec| Err(not_found(spec))),
    ("scheduled for deletion", |spec| Err(Error::Deleted { name: spec.name.clone(), origin: origin(spec) })),
    ("throttled", |spec| Err(throttled(spec))),
    ("malformed response", |spec| Err(malformed(spec))),
    ("empty value", |_| Ok("")),
    ("value in JSON of another secret", |_| Ok("{\"polygon_api_key\": \"Hn8vTx3q\"}")),
];

pub(super) fn denied(spec: &SecretSpec, code: &str) -> Error {
    let requester = Requester::Request { code: code.to_owned(), request_id: "1".to_owned() };
    Error::AccessDenied { name: spec.name.clone(), origin: origin(spec), requester }
}

fn malformed(spec: &SecretSpec) -> Error {
    let (name, origin) = (spec.name.clone(), origin(spec));
    Error::Unavailable { name, origin, outage: Outage::Service, retry_in: SECOND }
}

/// The source of one replica: the faults, each for its time and from the read on that meets it first, then `value`.
pub(super) struct Script {
    pub(super) value: &'static str,
    faults: VecDeque<(Fault, Duration)>,
    /// When the first of the faults began.
    since: Option<Instant>,
    /// The reads that failed.
    pub(super) failures: Vec<Instant>,
}

impl Script {
    fn read(&mut self, spec: &SecretSpec) -> Result<&'static str, Error> {
        while let Some((fault, time)) = self.faults.front().copied() {
            let now = Instant::now();
            if *self.since.get_or_insert(now) + time > now {
                self.failures.push(now);
                return fault(spec);
            }
            self.faults.pop_front();
            self.since = None;
        }
        Ok(self.value)
    }

    pub(super) fn fail(&mut self, faults: impl IntoIterator<Item = (Fault, Duration)>) {
        self.faults = faults.into_iter().collect();
    }
}

pub(super) struct Replica {
    pub(super) secrets: Secrets,
    pub(super) handle: SecretHandle,
    script: Arc<Mutex<Script>>,
    watch: JoinHandle<()>,
    events: Arc<Mutex<Vec<(Instant, Event)>>>,
    /// When a request with the old key was refused first, and last.
    pub(super) refused: Option<(Instant, Instant)>,
}

impl Replica {
    pub(super) async fn start(spec: SecretSpec) -> Self {
        let script = Script { value: OLD, faults: VecDeque::new(), since: None, failures: Vec::new() };
        let (script, events) = (Arc::new(Mutex::new(script)), Arc::new(Mutex::new(Vec::new())));
        let (served, recorded) = (Arc::clone(&script), Arc::clone(&events));
        let secrets = Secrets::builder(Profile::Production, Catalogue::new([spec]).unwrap(), clock())
            .source(Scripted::new(move |spec, _| served.lock().unwrap().read(spec)))
            .recorder(Arc::new(move |event: &Event| {
                recorded.lock().unwrap().push((Instant::now(), event.clone()));
            }))
            .build()
            .await
            .unwrap();
        let handle = secrets.handle(NAME, "test").unwrap();
        let watch = tokio::spawn(secrets.clone().watch());
        Self { secrets, handle, script, watch, events, refused: None }
    }

    pub(super) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    pub(super) fn accepts(&self, key: &str) -> bool {
        self.handle.load().is_ok_and(|set| set.verify_eq(key.as_bytes()).is_some())
    }

    pub(super) fn refused_for(&self) -> Duration {
        self.refused.map_or(Duration::ZERO, |(first, last)| last - first + PERIOD)
    }

    /// When another value was read.
    pub(super) fn changed_at(&self) -> Option<Instant> {
        let events = self.events.lock().unwrap();
        events.iter().find_map(|(at, event)| matches!(event, Event::Changed { .. }).then_some(*at))
    }

    /// After each failed read, for how much longer the value was to be served.
    pub(super) fn expiries(&self) -> Vec<Option<Duration>> {
        let events = self.events.lock().unwrap();
        let expiry = |(_, event): &(Instant, Event)| match event {
            Event::RefreshFailed { expires_in, .. } => Some(*expires_in),
            _ => None,
        };
        events.iter().filter_map(expiry).collect()
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

pub(super) fn spec(ttl_s: u64) -> SecretSpec {
    let spec = Catalogue::product().get(NAME).unwrap().clone();
    SecretSpec { ttl: Duration::from_secs(ttl_s), ..spec }
}

pub(super) async fn replicas(spec: &SecretSpec) -> Vec<Replica> {
    let mut replicas = Vec::new();
    for _ in 0..REPLICAS {
        replicas.push(Replica::start(spec.clone()).await);
    }
    replicas
}

/// Sends requests to every replica for `time`.
pub(super) async fn load(replicas: &mut [Replica], time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        for replica in &mut *replicas {
            if !replica.accepts(OLD) {
                let now = Instant::now();
                replica.refused = Some((replica.refused.map_or(now, |(first, _)| first), now));
            }
        }
        tokio::time::sleep(PERIOD).await;
    }
}
