//! The place where one secret's current state stands: readers never wait, writers swap it whole.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::chain::Announcing;
use crate::error::Error;
use crate::fault::Breach;
use crate::handle::{Freshness, Health};
use crate::origin::SourceKind;
use crate::set::SecretSet;
use crate::spec::SecretSpec;
use crate::usage::{Got, Reads, Tally};
use crate::version::{SecretVersion, VersionId};

/// Most denied versions that are remembered; the oldest is forgotten first.
const DENIED_MAX: usize = 100;
/// How long the last good value is served after its source said that it is gone or refused.
const DEFINITIVE_GRACE: Duration = Duration::from_secs(60);
/// A value is stale when it was not confirmed for so many times its TTL, even if no failure was reported.
const STALE_AFTER_TTLS: u32 = 3;

pub(crate) struct Slot {
    spec: SecretSpec,
    state: ArcSwap<State>,
    changes: watch::Sender<u64>,
    /// Versions that are accepted no longer. A place that lags cannot bring one back.
    denied: Mutex<Vec<VersionId>>,
    previous_used: Arc<AtomicU64>,
    reads: Mutex<Vec<Arc<Reads>>>,
}

/// What a fresh look saw.
#[derive(Clone)]
pub(crate) struct Sighting {
    pub(crate) version: SecretVersion,
    pub(crate) announced: Announcing,
}

enum State {
    Absent(Error),
    Present(Present),
}

struct Present {
    set: Arc<SecretSet>,
    confirmed_at: Instant,
    failing: Option<Failing>,
}

/// A source that stopped confirming a value. `serve_until` never moves while it goes on: nothing is stamped anew.
#[derive(Clone)]
struct Failing {
    error: Error,
    serve_until: Option<Instant>,
}

/// What a fresh look at a source did to a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Appeared,
    Confirmed,
    Changed,
    /// The value is the same, and others are accepted beside it than before.
    Accepting,
    Failed,
    StillAbsent,
}

impl Slot {
    /// A slot that holds nothing yet.
    pub(crate) fn new(spec: SecretSpec) -> Self {
        let absent = Error::NotFound { name: spec.name.clone(), tried: Vec::new() };
        Self {
            spec,
            state: ArcSwap::from_pointee(State::Absent(absent)),
            changes: watch::Sender::new(0),
            denied: Mutex::default(),
            previous_used: Arc::default(),
            reads: Mutex::default(),
        }
    }

    pub(crate) fn spec(&self) -> &SecretSpec {
        &self.spec
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The clock is read only while a source is failing.
    pub(crate) fn load(&self) -> Result<Arc<SecretSet>, Error> {
        match &**self.state.load() {
            State::Absent(error) => Err(error.clone()),
            State::Present(present) => present.load(&self.spec),
        }
    }

    /// As [`load`](Self::load), counted.
    pub(crate) fn read(&self, reads: &Reads) -> Result<Arc<SecretSet>, Error> {
        self.read_with(reads, Arc::clone)
    }

    /// As [`read`](Self::read), without a share of the set: `look` is called while the slot holds it still.
    pub(crate) fn read_with<R>(
        &self,
        reads: &Reads,
        look: impl FnOnce(&Arc<SecretSet>) -> R,
    ) -> Result<R, Error> {
        let state = self.state.load();
        let served = match &**state {
            State::Absent(error) => Err(error.clone()),
            State::Present(present) => present.served(&self.spec),
        };
        reads.count(served.as_ref().map_or(Got::Nothing, |(_, got)| *got));
        served.map(|(set, _)| look(set))
    }

    /// The count of one component's reads.
    pub(crate) fn reads_by(&self, component: &'static str) -> Arc<Reads> {
        let mut reads = locked(&self.reads);
        if let Some(known) = reads.iter().find(|reads| reads.component == component) {
            return Arc::clone(known);
        }
        let new = Arc::new(Reads::by(component));
        reads.push(Arc::clone(&new));
        new
    }

    /// Reads since this was last called, by component.
    pub(crate) fn take_reads(&self) -> Vec<(&'static str, Tally)> {
        let reads = locked(&self.reads);
        reads.iter().filter_map(|reads| Some((reads.component, reads.take()?))).collect()
    }

    /// Uses of the value before since this was last called.
    pub(crate) fn take_previous_used(&self) -> u64 {
        self.previous_used.swap(0, Ordering::Relaxed)
    }

    /// Takes in what a fresh look brought. Called by one task at a time.
    pub(crate) fn accept(&self, looked: Result<Sighting, Error>) -> Outcome {
        let looked = self.heed_denials(looked);
        let state = self.state.load_full();
        let (next, outcome) = match (&*state, looked) {
            (State::Absent(_), Err(error)) => (State::Absent(error), Outcome::StillAbsent),
            (State::Absent(_), Ok(Sighting { version, announced })) => {
                let set = SecretSet::new(version, Arc::clone(&self.previous_used));
                (Present::of(set.announced(announced, None)), Outcome::Appeared)
            }
            (State::Present(present), Err(error)) if present.is_withdrawn_by(&error) => {
                (State::Absent(error), Outcome::Failed)
            }
            (State::Present(present), Err(error)) => (present.failed(error, &self.spec), Outcome::Failed),
            (State::Present(present), Ok(sighting)) => present.found(sighting, &self.spec),
        };
        let is_news = match (&outcome, &next) {
            (Outcome::Appeared | Outcome::Changed | Outcome::Accepting, _) => true,
            (Outcome::Failed, State::Absent(_)) => true,
            (Outcome::Failed | Outcome::Confirmed | Outcome::StillAbsent, _) => false,
        };
        self.state.store(Arc::new(next));
        if is_news {
            self.changes.send_modify(|count| *count += 1);
        }
        outcome
    }

    /// Remembers what is denied, and refuses it from then on.
    fn heed_denials(&self, looked: Result<Sighting, Error>) -> Result<Sighting, Error> {
        let mut denied = locked(&self.denied);
        let news: &[VersionId] = match &looked {
            Ok(Sighting { announced: Announcing::Rotating(told), .. }) => &told.denied,
            Err(Error::Policy { breach: Breach::Denied { version }, .. }) => std::slice::from_ref(version),
            Ok(_) | Err(_) => &[],
        };
        let news: Vec<VersionId> = news.iter().filter(|id| !denied.contains(id)).cloned().collect();
        denied.extend(news);
        let surplus = denied.len().saturating_sub(DENIED_MAX);
        denied.drain(..surplus);
        let sighting = looked?;
        if denied.contains(sighting.version.id()) {
            let (name, origin) = (self.spec.name.clone(), sighting.version.provenance().origin.clone());
            let breach = Breach::Denied { version: sighting.version.id().clone() };
            return Err(Error::Policy { name, origin, breach });
        }
        Ok(sighting)
    }

    /// Whether what is known came from this machine, so that its absence here is news.
    pub(crate) fn is_local(&self) -> bool {
        match &**self.state.load() {
            State::Absent(_) => false,
            State::Present(present) => match present.set.primary().provenance().origin.kind() {
                SourceKind::Env | SourceKind::File | SourceKind::Generated => true,
                SourceKind::Aws => false,
            },
        }
    }

    pub(crate) fn health(&self) -> Health {
        match &**self.state.load() {
            State::Absent(error) => {
                Health { freshness: Freshness::Absent, confirmed_ago: None, last_error: Some(error.clone()) }
            }
            State::Present(present) => Health {
                freshness: present.freshness(&self.spec),
                confirmed_ago: Some(present.confirmed_at.elapsed()),
                last_error: present.failing.as_ref().map(|failing| failing.error.clone()),
            },
        }
    }
}

impl Present {
    fn of(set: SecretSet) -> State {
        State::Present(Self { set: Arc::new(set), confirmed_at: Instant::now(), failing: None })
    }

    fn load(&self, spec: &SecretSpec) -> Result<Arc<SecretSet>, Error> {
        self.served(spec).map(|(set, _)| Arc::clone(set))
    }

    /// The set, and whether its source confirms it.
    fn served(&self, spec: &SecretSpec) -> Result<(&Arc<SecretSet>, Got), Error> {
        match &self.failing {
            None => Ok((&self.set, Got::Fresh)),
            Some(failing) if failing.is_over() => Err(self.expired(failing, spec)),
            Some(_) => Ok((&self.set, Got::Stale)),
        }
    }

    fn found(&self, sighting: Sighting, spec: &SecretSpec) -> (State, Outcome) {
        let Sighting { version, announced } = sighting;
        let is_same = self.set.value().verify_eq(version.value().expose());
        let next =
            if is_same { self.set.confirmed(version) } else { self.set.followed_by(version, spec.overlap) };
        let next = next.announced(announced, Some(&self.set));
        let outcome = match (is_same, next.beside() == self.set.beside()) {
            (false, _) => Outcome::Changed,
            (true, false) => Outcome::Accepting,
            (true, true) => Outcome::Confirmed,
        };
        (Self::of(next), outcome)
    }

    /// Whether the value in use itself was withdrawn: then the last good value is no good.
    fn is_withdrawn_by(&self, error: &Error) -> bool {
        matches!(error, Error::Policy { breach: Breach::Denied { version }, .. } if version == self.set.primary().id())
    }

    /// Keeps the last good value. The earliest end that any failure in a row set is the one that holds.
    fn failed(&self, error: Error, spec: &SecretSpec) -> State {
        let now = Instant::now();
        let limit = serve_until(&error, now, self.confirmed_at, spec);
        let earlier = self.failing.as_ref().and_then(|failing| failing.serve_until);
        let serve_until = match (earlier, limit) {
            (Some(earlier), Some(limit)) => Some(earlier.min(limit)),
            (earlier, limit) => earlier.or(limit),
        };
        State::Present(Self {
            set: Arc::clone(&self.set),
            confirmed_at: self.confirmed_at,
            failing: Some(Failing { error, serve_until }),
        })
    }

    fn expired(&self, failing: &Failing, spec: &SecretSpec) -> Error {
        let limit = failing.serve_until.map_or(spec.stale_max, |until| until - self.confirmed_at);
        Error::Expired { name: spec.name.clone(), age: self.confirmed_at.elapsed(), limit }
    }

    fn freshness(&self, spec: &SecretSpec) -> Freshness {
        let age = self.confirmed_at.elapsed();
        match &self.failing {
            Some(failing) if failing.is_over() => Freshness::Expired,
            Some(failing) => Freshness::Stale { age, why: failing.error.kind() },
            None if age > spec.ttl * STALE_AFTER_TTLS => {
                Freshness::Stale { age, why: crate::error::Kind::Unavailable }
            }
            None => Freshness::Fresh,
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Failing {
    fn is_over(&self) -> bool {
        self.serve_until.is_some_and(|until| Instant::now() >= until)
    }
}

/// Until when the last good value is served after `error`; `None` is for as long as the fault lasts.
fn serve_until(error: &Error, now: Instant, confirmed_at: Instant, spec: &SecretSpec) -> Option<Instant> {
    let transient = confirmed_at + spec.stale_max;
    match error {
        // The source still has the secret and someone spoilt it: a bad value never replaces a good one.
        Error::Invalid { .. } | Error::Policy { .. } | Error::Ambiguous { .. } => None,
        Error::NotFound { .. }
        | Error::AccessDenied { .. }
        | Error::Deleted { .. }
        | Error::Expired { .. } => Some(transient.min(now + DEFINITIVE_GRACE)),
        Error::Unavailable { .. }
        | Error::Unconfirmed { .. }
        | Error::Exists { .. }
        | Error::NotYet { .. }
        | Error::Plan { .. }
        | Error::ReadOnly { .. }
        | Error::RotationInProgress { .. }
        | Error::VersionConflict { .. }
        | Error::Audit
        | Error::Config(_)
        | Error::Internal { .. } => Some(transient),
    }
}

#[cfg(test)]
mod tests;
