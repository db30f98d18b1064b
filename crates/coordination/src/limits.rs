//! Limits that replicas share: keeps the state of each limit on this replica.

mod commands;
mod entry;
mod undecided;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rate_limit::shared::{Decision, Moment, Nanos, REPORT_PERIOD, SharedLimit, Verdict};
use rate_limit::{Limit, LimitStatus};

use crate::client::Redis;
use crate::replicas::Replicas;
use crate::scripts::Script;
use entry::{Entry, lock};

pub(crate) use entry::Id;
pub use undecided::Undecided;

/// Parts of the table of limits, each with a lock.
const SHARDS: usize = 16;
/// Limits of addresses in the table.
const ADDRESSES_MAX: usize = 8192;
/// Time without requests after which the limit of an address is forgotten.
const ADDRESS_IDLE: Nanos = 60_000_000_000;
/// The same for a key, of which there are few.
const KEY_IDLE: Nanos = 600_000_000_000;
const CLEANUP_PERIOD: Duration = Duration::from_secs(10);

/// Limits that replicas share; its clones share them, too.
#[derive(Clone, Debug)]
pub struct SharedLimits(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    redis: Redis,
    replicas: Replicas,
    script: Script,
    started: Instant,
    entries: [Mutex<HashMap<Id, Arc<Entry>>>; SHARDS],
    addresses: AtomicUsize,
    addresses_max: usize,
    /// Limits with something to report or to give back.
    active: Mutex<Vec<Arc<Entry>>>,
}

/// Whether a request is allowed.
#[derive(Debug)]
pub enum Checked {
    /// It is.
    Allowed(LimitStatus),
    /// It is not.
    Exceeded(LimitStatus),
    /// Redis decides.
    Undecided(Undecided),
}

impl SharedLimits {
    /// Shares limits through this Redis. `expected_nodes` share them while Redis cannot say how many do.
    ///
    /// # Errors
    /// The operating system has no random numbers.
    pub fn new(redis: Redis, expected_nodes: u32) -> Result<Self, getrandom::Error> {
        Self::with_addresses_max(redis, expected_nodes, ADDRESSES_MAX)
    }

    pub(crate) fn with_addresses_max(
        redis: Redis,
        expected_nodes: u32,
        addresses_max: usize,
    ) -> Result<Self, getrandom::Error> {
        Ok(Self(Arc::new(Inner {
            replicas: Replicas::new(redis.clone(), expected_nodes)?,
            redis,
            script: Script::limits(),
            started: Instant::now(),
            entries: std::array::from_fn(|_| Mutex::default()),
            addresses: AtomicUsize::new(0),
            addresses_max,
            active: Mutex::default(),
        })))
    }

    /// Counts a request with the API key of this id, which costs `cost` requests.
    #[must_use]
    pub fn check_key(&self, id: u64, limit: Limit, cost: u32) -> Checked {
        self.check(&self.entry(Id::Key(id), limit), cost)
    }

    /// Counts a request that moves money: no other replica's requests are allowed on the same part of the limit.
    #[must_use]
    pub fn check_key_exactly(&self, id: u64, limit: Limit, cost: u32) -> Checked {
        let entry = self.entry(Id::Key(id), limit);
        let decision = entry.state().check_exactly(cost, self.moment());
        self.activate(&entry);
        match (decision.verdict, decision.command) {
            (Verdict::Undecided, exact) => {
                Checked::Undecided(Undecided { limits: self.clone(), entry, cost, exact, is_waiting: false })
            }
            (_, _) => self.act(&entry, decision, cost),
        }
    }

    /// Sends reports, forgets idle limits, and counts the replicas; never returns.
    pub async fn run(self) {
        let report = async {
            let mut cleaned_at = Instant::now();
            loop {
                tokio::time::sleep(REPORT_PERIOD).await;
                self.report();
                if cleaned_at.elapsed() >= CLEANUP_PERIOD {
                    cleaned_at = Instant::now();
                    self.forget_idle();
                }
            }
        };
        tokio::join!(self.0.replicas.run(), report);
    }

    /// The entry of an address whose requests other replicas must know; `None` if there are too many.
    pub(crate) fn check_network(&self, id: Id, limit: Limit, spent: u32) -> Option<Checked> {
        let entry = {
            let mut entries = lock(self.shard(id));
            match entries.get(&id) {
                Some(entry) => Arc::clone(entry),
                None if self.0.addresses.load(Ordering::Relaxed) >= self.0.addresses_max => return None,
                None => {
                    self.0.addresses.fetch_add(1, Ordering::Relaxed);
                    let entry = Arc::new(Entry::new(id, SharedLimit::with_spent(limit, spent, self.now())));
                    entries.insert(id, Arc::clone(&entry));
                    entry
                }
            }
        };
        Some(self.check(&entry, 1))
    }

    /// Counts a request of an address that other replicas know already.
    pub(crate) fn check_known_network(&self, id: Id) -> Option<Checked> {
        if self.0.addresses.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let entry = lock(self.shard(id)).get(&id).map(Arc::clone)?;
        Some(self.check(&entry, 1))
    }

    pub(crate) fn replicas(&self) -> u32 {
        self.0.replicas.count(self.0.redis.is_away())
    }

    pub(crate) fn now(&self) -> Nanos {
        Nanos::try_from(self.0.started.elapsed().as_nanos()).unwrap_or(Nanos::MAX)
    }

    pub(crate) fn moment(&self) -> Moment {
        Moment { now: self.now(), replicas: self.replicas(), is_away: self.0.redis.is_away() }
    }

    fn check(&self, entry: &Arc<Entry>, cost: u32) -> Checked {
        let decision = entry.state().check(cost, self.moment());
        self.activate(entry);
        self.act(entry, decision, cost)
    }

    fn act(&self, entry: &Arc<Entry>, decision: Decision, cost: u32) -> Checked {
        let Decision { verdict, command, is_by_share } = decision;
        if let Some(command) = command {
            self.send(entry, command);
        }
        match verdict {
            Verdict::Undecided => {
                let entry = Arc::clone(entry);
                Checked::Undecided(Undecided {
                    limits: self.clone(),
                    entry,
                    cost,
                    exact: None,
                    is_waiting: true,
                })
            }
            Verdict::Allowed(status) => {
                self.count_decision(is_by_share);
                Checked::Allowed(status)
            }
            Verdict::Exceeded(status) => {
                self.count_decision(is_by_share);
                Checked::Exceeded(status)
            }
        }
    }

    fn count_decision(&self, is_by_share: bool) {
        let metrics = &self.0.redis.metrics().coordination;
        if is_by_share { metrics.decided_alone.inc() } else { metrics.decided_at_once.inc() }
    }

    fn entry(&self, id: Id, limit: Limit) -> Arc<Entry> {
        let mut entries = lock(self.shard(id));
        match entries.get(&id) {
            Some(entry) if entry.state().limit() == limit.bounded() => Arc::clone(entry),
            // A limit that was changed begins with what Redis knows.
            Some(_) | None => {
                let entry = Arc::new(Entry::new(id, SharedLimit::new(limit, self.now())));
                entries.insert(id, Arc::clone(&entry));
                entry
            }
        }
    }

    fn shard(&self, id: Id) -> &Mutex<HashMap<Id, Arc<Entry>>> {
        &self.0.entries[usize::try_from(id.number()).unwrap_or_default() % SHARDS]
    }

    fn activate(&self, entry: &Arc<Entry>) {
        if !entry.is_active.load(Ordering::Relaxed) && !entry.is_active.swap(true, Ordering::Relaxed) {
            lock(&self.0.active).push(Arc::clone(entry));
        }
    }

    fn forget_idle(&self) {
        let moment = self.moment();
        for entries in &self.0.entries {
            lock(entries).retain(|id, entry| {
                let idle_max = if id.is_network() { ADDRESS_IDLE } else { KEY_IDLE };
                let stays = !entry.state().may_be_forgotten(idle_max, moment);
                if !stays && id.is_network() {
                    self.0.addresses.fetch_sub(1, Ordering::Relaxed);
                }
                stays
            });
        }
    }
}
