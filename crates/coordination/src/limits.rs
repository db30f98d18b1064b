//! Limits that nodes share: keeps the state of each limit on this node, and sends its commands.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rate_limit::shared::{Answer, Command, Decision, Moment, Nanos, REPORT_PERIOD, SharedLimit, Verdict};
use rate_limit::{Limit, LimitStatus};
use tokio::sync::Notify;
use tokio::time::timeout_at;

use crate::client::{Redis, spread};
use crate::error::Error;
use crate::nodes::Nodes;
use crate::scripts::Script;

/// Parts of the table of limits, each with a lock.
const SHARDS: usize = 16;
/// Limits of addresses in the table.
pub(crate) const ADDRESSES_MAX: usize = 8192;
/// Time without requests after which the limit of an address is forgotten.
const ADDRESS_IDLE: Nanos = 60_000_000_000;
/// The same for a key, of which there are few.
const KEY_IDLE: Nanos = 600_000_000_000;
const CLEANUP_PERIOD: Duration = Duration::from_secs(10);
/// Limits that are reported in one command.
const REPORTS_MAX: usize = 64;
/// Parts of the keys in Redis: in a cluster, a command has keys of one part only.
const PARTS: u64 = 16;
/// Longest wait for an exact decision.
const EXACT_WAIT_MAX: Duration = Duration::from_millis(100);
/// Longest time for the last reports of a node that stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);
/// What the script is told, and what it answers, of each limit.
const ARGUMENTS: usize = 7;
const ANSWERS: usize = 3;

/// Limits that nodes share; its clones share them, too.
#[derive(Clone, Debug)]
pub struct SharedLimits(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    redis: Redis,
    nodes: Nodes,
    script: Script,
    started: Instant,
    entries: [Mutex<HashMap<Id, Arc<Entry>>>; SHARDS],
    addresses: AtomicUsize,
    /// Limits with something to report or to give back.
    active: Mutex<Vec<Arc<Entry>>>,
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Id {
    /// The requests with one API key.
    Key(u64),
    /// Those of a network, by the name of the limit.
    Network(&'static str, u128),
}

#[derive(Debug)]
struct Entry {
    id: Id,
    state: Mutex<SharedLimit>,
    is_active: AtomicBool,
    /// An answer has arrived, or a command failed.
    is_answered: Notify,
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

/// A request about which Redis decides. If it is dropped, the request is not counted.
#[derive(Debug)]
pub struct Undecided {
    limits: SharedLimits,
    entry: Arc<Entry>,
    cost: u32,
    /// The command of an exact decision.
    exact: Option<Command>,
    /// Whether the limit counts it among those that wait.
    is_waiting: bool,
}

impl SharedLimits {
    /// Shares limits through this Redis. `expected_nodes` share them while Redis cannot say how many do.
    ///
    /// # Errors
    /// The operating system has no random numbers.
    pub fn new(redis: Redis, expected_nodes: u32) -> Result<Self, getrandom::Error> {
        Ok(Self(Arc::new(Inner {
            nodes: Nodes::new(redis.clone(), expected_nodes)?,
            redis,
            script: Script::limits(),
            started: Instant::now(),
            entries: std::array::from_fn(|_| Mutex::default()),
            addresses: AtomicUsize::new(0),
            active: Mutex::default(),
        })))
    }

    /// Counts a request with the API key of this id, which costs `cost` requests.
    #[must_use]
    pub fn check_key(&self, id: u64, limit: Limit, cost: u32) -> Checked {
        self.check(&self.entry(Id::Key(id), limit), cost)
    }

    /// Counts a request that moves money: no other node's requests are allowed on the same part of the limit.
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

    /// Sends reports, forgets idle limits, and counts the nodes; never returns.
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
        tokio::join!(self.0.nodes.run(), report);
    }

    /// Reports everything, gives back what was taken in advance, and leaves the other nodes.
    pub async fn drain(&self) {
        let moment = self.moment();
        let mut commands = Vec::new();
        for entries in &self.0.entries {
            for entry in lock(entries).values() {
                if let Some(command) = entry.state().drain(moment) {
                    commands.push((Arc::clone(entry), command));
                }
            }
        }
        let returned: i64 = commands.iter().map(|(_, command)| command.returned).sum();
        let (limits, count) = (self.clone(), commands.len());
        let last = async {
            for batch in limits.batches(commands) {
                limits.send_batch(batch).await;
            }
            limits.0.nodes.leave().await;
        };
        match tokio::time::timeout(DRAIN_TIMEOUT, last).await {
            Ok(()) => tracing::info!(limits = count, returned, "shared rate limits given back"),
            Err(_) => tracing::warn!("giving back shared rate limits timed out"),
        }
    }

    /// The entry of an address whose requests other nodes must know; `None` if there are too many.
    pub(crate) fn check_network(
        &self,
        name: &'static str,
        network: u128,
        limit: Limit,
        spent: u32,
    ) -> Option<Checked> {
        let id = Id::Network(name, network);
        let entry = {
            let mut entries = lock(self.shard(id));
            match entries.get(&id) {
                Some(entry) => Arc::clone(entry),
                None if self.0.addresses.load(Ordering::Relaxed) >= ADDRESSES_MAX => return None,
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

    /// Counts a request of an address that other nodes know already.
    pub(crate) fn check_known_network(&self, name: &'static str, network: u128) -> Option<Checked> {
        if self.0.addresses.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let id = Id::Network(name, network);
        let entry = lock(self.shard(id)).get(&id).map(Arc::clone)?;
        Some(self.check(&entry, 1))
    }

    pub(crate) fn nodes(&self) -> u32 {
        self.0.nodes.count(self.0.redis.is_away())
    }

    pub(crate) fn now(&self) -> Nanos {
        Nanos::try_from(self.0.started.elapsed().as_nanos()).unwrap_or(Nanos::MAX)
    }

    pub(crate) fn moment(&self) -> Moment {
        Moment { now: self.now(), nodes: self.nodes(), is_away: self.0.redis.is_away() }
    }

    fn check(&self, entry: &Arc<Entry>, cost: u32) -> Checked {
        let decision = entry.state().check(cost, self.moment());
        self.activate(entry);
        self.act(entry, decision, cost)
    }

    fn act(&self, entry: &Arc<Entry>, decision: Decision, cost: u32) -> Checked {
        let Decision { verdict, command, is_report_due: _ } = decision;
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
                self.count_decision();
                Checked::Allowed(status)
            }
            Verdict::Exceeded(status) => {
                self.count_decision();
                Checked::Exceeded(status)
            }
        }
    }

    fn count_decision(&self) {
        let metrics = &self.0.redis.metrics().coordination;
        let counter = if self.0.redis.is_away() { &metrics.decided_alone } else { &metrics.decided_at_once };
        counter.inc();
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

    /// Sends one command in the background.
    fn send(&self, entry: &Arc<Entry>, command: Command) {
        let (limits, entry) = (self.clone(), Arc::clone(entry));
        tokio::spawn(async move { limits.send_batch(vec![(entry, command)]).await });
    }

    fn report(&self) {
        let moment = self.moment();
        let active = std::mem::take(&mut *lock(&self.0.active));
        let mut commands = Vec::new();
        let mut kept = Vec::new();
        for entry in active {
            let mut state = entry.state();
            let command = state.report(moment);
            let is_settled = state.is_settled();
            // While the state is locked, so that no change of it is missed.
            entry.is_active.store(!is_settled, Ordering::Relaxed);
            drop(state);
            if let Some(command) = command {
                commands.push((Arc::clone(&entry), command));
            }
            if !is_settled {
                kept.push(entry);
            }
        }
        lock(&self.0.active).append(&mut kept);
        for batch in self.batches(commands) {
            let limits = self.clone();
            tokio::spawn(async move { limits.send_batch(batch).await });
        }
    }

    /// Commands that can be sent together.
    fn batches(&self, mut commands: Vec<(Arc<Entry>, Command)>) -> Vec<Vec<(Arc<Entry>, Command)>> {
        let is_cluster = self.0.redis.is_cluster();
        let part = |entry: &Entry| if is_cluster { entry.id.part() } else { 0 };
        commands.sort_by_key(|(entry, _)| part(entry));
        let of_part = commands.chunk_by(|(one, _), (other, _)| part(one) == part(other));
        of_part.flat_map(|commands| commands.chunks(REPORTS_MAX)).map(<[_]>::to_vec).collect()
    }

    async fn send_batch(&self, batch: Vec<(Arc<Entry>, Command)>) {
        let result = self.run_script(&batch).await;
        let now = self.now();
        for (index, (entry, command)) in batch.iter().enumerate() {
            let mut state = entry.state();
            match result.as_ref().ok().and_then(|answers| answers.get(index)) {
                Some(answer) => {
                    let jitter_percent = u32::try_from(spread(100, 25)).unwrap_or(100);
                    state.answer(command, answer, now, jitter_percent);
                }
                None => state.fail(command, now),
            }
            drop(state);
            entry.is_answered.notify_waiters();
        }
    }

    async fn run_script(&self, batch: &[(Arc<Entry>, Command)]) -> Result<Vec<Answer>, Error> {
        let keys: Vec<String> = batch.iter().map(|(entry, _)| entry.id.key()).collect();
        let mut arguments = Vec::with_capacity(batch.len() * ARGUMENTS);
        for (entry, command) in batch {
            let Command { spent, returned, want, is_all_or_nothing, floor_us, sent_at: _ } = command;
            let (period_us, burst) = {
                let state = entry.state();
                (state.period_us(), state.limit().burst)
            };
            arguments.extend([period_us, burst.to_string()]);
            arguments.extend([spent, returned, want, floor_us].map(ToString::to_string));
            arguments.push(u8::from(*is_all_or_nothing).to_string());
        }
        let numbers: Vec<i64> = self.0.redis.run_script(&self.0.script, &keys, &arguments).await?;
        let answers = numbers.chunks_exact(ANSWERS).map(|numbers| Answer {
            granted: numbers[0],
            arrival_us: numbers[1],
            server_us: numbers[2],
        });
        Ok(answers.collect())
    }

    fn forget_idle(&self) {
        let now = self.now();
        for entries in &self.0.entries {
            lock(entries).retain(|id, entry| {
                let idle_max = if id.is_network() { ADDRESS_IDLE } else { KEY_IDLE };
                let state = entry.state();
                let stays = !state.is_settled() || now - state.last_asked_at() < idle_max;
                if !stays && id.is_network() {
                    self.0.addresses.fetch_sub(1, Ordering::Relaxed);
                }
                stays
            });
        }
    }
}

impl Undecided {
    /// The decision, after a short wait at most.
    ///
    /// # Errors
    /// The limit is exceeded.
    pub async fn decide(mut self) -> Result<LimitStatus, LimitStatus> {
        let metrics = Arc::clone(self.limits.0.redis.metrics());
        let verdict = match self.exact.take() {
            Some(command) => self.decide_exactly(command).await,
            None => self.decide_within_wait().await,
        };
        let counter = match self.limits.0.redis.is_away() {
            true => &metrics.coordination.decided_alone,
            false => &metrics.coordination.decided_by_redis,
        };
        counter.inc();
        verdict
    }

    async fn decide_within_wait(&self) -> Result<LimitStatus, LimitStatus> {
        let deadline = tokio::time::Instant::now() + self.entry.state().wait_max();
        loop {
            let mut answered = pin!(self.entry.is_answered.notified());
            // Before the state is read, so that no answer is missed.
            answered.as_mut().enable();
            if let Some(result) = self.apply(SharedLimit::resume) {
                return result;
            }
            if timeout_at(deadline, answered).await.is_err() {
                return self.decide_alone();
            }
        }
    }

    async fn decide_exactly(&self, command: Command) -> Result<LimitStatus, LimitStatus> {
        let (limits, entry) = (self.limits.clone(), Arc::clone(&self.entry));
        // A task of its own: what is sent is counted also if the client leaves.
        let asked = tokio::spawn(async move {
            let result = limits.run_script(&[(Arc::clone(&entry), command)]).await;
            let (now, mut state) = (limits.now(), entry.state());
            match result.as_ref().map(|answers| answers.first()) {
                Ok(Some(answer)) => Some(state.exact_verdict(&command, answer, now)),
                Ok(None) | Err(_) => {
                    state.fail(&command, now);
                    None
                }
            }
        });
        match tokio::time::timeout(EXACT_WAIT_MAX, asked).await {
            Ok(Ok(Some(Verdict::Allowed(status)))) => Ok(status),
            Ok(Ok(Some(Verdict::Exceeded(status)))) => Err(status),
            Ok(Ok(Some(Verdict::Undecided) | None) | Err(_)) | Err(_) => self.decide_alone(),
        }
    }

    /// Without Redis.
    fn decide_alone(&self) -> Result<LimitStatus, LimitStatus> {
        let undecided = LimitStatus { remaining: 0, reset_s: 1 };
        self.apply(SharedLimit::decide_alone).unwrap_or(Err(undecided))
    }

    fn apply(
        &self,
        decide: fn(&mut SharedLimit, u32, Moment) -> Decision,
    ) -> Option<Result<LimitStatus, LimitStatus>> {
        let moment = self.limits.moment();
        let Decision { verdict, command, .. } = decide(&mut self.entry.state(), self.cost, moment);
        if let Some(command) = command {
            self.limits.send(&self.entry, command);
        }
        match verdict {
            Verdict::Allowed(status) => Some(Ok(status)),
            Verdict::Exceeded(status) => Some(Err(status)),
            Verdict::Undecided => None,
        }
    }
}

impl Drop for Undecided {
    fn drop(&mut self) {
        let mut state = self.entry.state();
        if let Some(command) = &self.exact {
            state.cancel(command);
        }
        if self.is_waiting {
            state.end_wait(self.cost);
        }
    }
}

impl Entry {
    fn new(id: Id, state: SharedLimit) -> Self {
        let (is_active, is_answered) = (AtomicBool::new(false), Notify::new());
        Self { id, state: Mutex::new(state), is_active, is_answered }
    }

    fn state(&self) -> MutexGuard<'_, SharedLimit> {
        lock(&self.state)
    }
}

impl Id {
    /// A number that is the same on every node.
    fn number(self) -> u64 {
        match self {
            Self::Key(id) => id,
            // The last bits of an IPv4 address, and the first ones of an IPv6 network.
            Self::Network(_, network) => {
                let folded = network ^ (network >> 64);
                let bytes = folded.to_le_bytes();
                bytes.iter().fold(0, |number: u64, byte| number.wrapping_mul(31).wrapping_add((*byte).into()))
            }
        }
    }

    fn part(self) -> u64 {
        self.number() % PARTS
    }

    /// The name of the limit in Redis. Keys of one part are in one slot of a cluster.
    fn key(self) -> String {
        let part = self.part();
        match self {
            Self::Key(id) => format!("investiq:limit:{{{part}}}:key:{id:016x}"),
            Self::Network(name, network) => format!("investiq:limit:{{{part}}}:{name}:{network:032x}"),
        }
    }

    fn is_network(self) -> bool {
        matches!(self, Self::Network(..))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
