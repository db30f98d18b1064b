//! The current state of one secret. Readers never wait; the only writer swaps the whole state.

mod failure;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio::time::Instant;

use failure::RefreshFailure;

use crate::error::{Error, ErrorKind};
use crate::health::{Freshness, Health};
use crate::invalid::PolicyViolation;
use crate::origin::SourceKind;
use crate::rotation_state::{RotationUpdate, VersionState};
use crate::set::SecretSet;
use crate::spec::SecretSpec;
use crate::usage::{ReadCounter, ReadCounts, ReadOutcome};
use crate::version::SecretVersion;
use crate::version_id::VersionId;

/// Most remembered revoked versions; the oldest is dropped first.
const REVOKED_MAX: usize = 100;
/// A value is stale when it was not confirmed for this many times its TTL, even without an error.
const STALE_AFTER_TTLS: u32 = 3;

pub(crate) struct Slot {
    spec: SecretSpec,
    state: ArcSwap<State>,
    changes: watch::Sender<u64>,
    /// Revoked versions, which a stale read cannot restore.
    revoked: Mutex<Vec<VersionId>>,
    previous_uses: Arc<AtomicU64>,
    read_counters: Mutex<Vec<Arc<ReadCounter>>>,
}

/// The result of a search for one secret.
#[derive(Clone)]
pub(crate) struct Update {
    pub(crate) version: SecretVersion,
    pub(crate) rotation: RotationUpdate<VersionState>,
}

enum State {
    Absent(Error),
    Present(Present),
}

struct Present {
    set: Arc<SecretSet>,
    confirmed_at: Instant,
    failure: Option<RefreshFailure>,
}

/// The effect of an update on a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Transition {
    Appeared,
    Confirmed,
    Changed,
    /// The value is the same, and the versions accepted beside it changed.
    OverlapChanged,
    Failed,
    StillAbsent,
}

impl Slot {
    pub(crate) fn new(spec: SecretSpec) -> Self {
        let absent = Error::NotFound { name: spec.name.clone(), tried: Vec::new() };
        Self {
            spec,
            state: ArcSwap::from_pointee(State::Absent(absent)),
            changes: watch::Sender::new(0),
            revoked: Mutex::default(),
            previous_uses: Arc::default(),
            read_counters: Mutex::default(),
        }
    }

    pub(crate) fn spec(&self) -> &SecretSpec {
        &self.spec
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// An uncounted read.
    pub(crate) fn load(&self) -> Result<Arc<SecretSet>, Error> {
        match &**self.state.load() {
            State::Absent(error) => Err(error.clone()),
            State::Present(present) => present.get(&self.spec).map(|(set, _)| Arc::clone(set)),
        }
    }

    /// Counts the read, and calls `look` while the state is borrowed. The clock is read only while a source fails.
    pub(crate) fn read<R>(
        &self,
        reads: &ReadCounter,
        look: impl FnOnce(&Arc<SecretSet>) -> R,
    ) -> Result<R, Error> {
        let state = self.state.load();
        let result = match &**state {
            State::Absent(error) => Err(error.clone()),
            State::Present(present) => present.get(&self.spec),
        };
        reads.count(result.as_ref().map_or(ReadOutcome::Failed, |(_, outcome)| *outcome));
        result.map(|(set, _)| look(set))
    }

    pub(crate) fn read_counter(&self, component: &'static str) -> Arc<ReadCounter> {
        let mut counters = locked(&self.read_counters);
        if let Some(counter) = counters.iter().find(|counter| counter.component == component) {
            return Arc::clone(counter);
        }
        let counter = Arc::new(ReadCounter::new(component));
        counters.push(Arc::clone(&counter));
        counter
    }

    /// Reads since the last call, by component.
    pub(crate) fn take_reads(&self) -> Vec<(&'static str, ReadCounts)> {
        let counters = locked(&self.read_counters);
        counters.iter().filter_map(|counter| Some((counter.component, counter.take()?))).collect()
    }

    /// Uses of the previous version since the last call.
    pub(crate) fn take_previous_uses(&self) -> u64 {
        self.previous_uses.swap(0, Ordering::Relaxed)
    }

    /// Applies the result of a search. Called by one task at a time.
    pub(crate) fn apply(&self, update: Result<Update, Error>) -> Transition {
        let update = self.refuse_revoked(update);
        let state = self.state.load_full();
        let (next, transition) = match (&*state, update) {
            (State::Absent(_), Err(error)) => (State::Absent(error), Transition::StillAbsent),
            (State::Absent(_), Ok(Update { version, rotation })) => {
                let set = SecretSet::new(version, Arc::clone(&self.previous_uses));
                (Present::confirmed_now(set.with_rotation(rotation, None)), Transition::Appeared)
            }
            (State::Present(present), Err(error)) if present.is_revoked_by(&error) => {
                (State::Absent(error), Transition::Failed)
            }
            (State::Present(present), Err(error)) => (present.failed(error, &self.spec), Transition::Failed),
            (State::Present(present), Ok(update)) => present.updated(update, &self.spec),
        };
        let is_change = match (&transition, &next) {
            (Transition::Appeared | Transition::Changed | Transition::OverlapChanged, _) => true,
            (Transition::Failed, State::Absent(_)) => true,
            (Transition::Failed | Transition::Confirmed | Transition::StillAbsent, _) => false,
        };
        self.state.store(Arc::new(next));
        if is_change {
            self.changes.send_modify(|count| *count += 1);
        }
        transition
    }

    /// Remembers revoked versions and refuses them from then on.
    fn refuse_revoked(&self, update: Result<Update, Error>) -> Result<Update, Error> {
        let mut revoked = locked(&self.revoked);
        let announced: &[VersionId] = match &update {
            Ok(Update { rotation: RotationUpdate::Active(state), .. }) => &state.revoked,
            Err(Error::Policy { violation: PolicyViolation::Revoked { version }, .. }) => {
                std::slice::from_ref(version)
            }
            Ok(_) | Err(_) => &[],
        };
        let new: Vec<VersionId> = announced.iter().filter(|id| !revoked.contains(id)).cloned().collect();
        revoked.extend(new);
        let surplus = revoked.len().saturating_sub(REVOKED_MAX);
        revoked.drain(..surplus);
        let update = update?;
        if revoked.contains(update.version.id()) {
            return Err(Error::revoked(&self.spec, &update.version));
        }
        Ok(update)
    }

    /// Whether the value in use came from a local source, so that its absence there means a change.
    pub(crate) fn is_local(&self) -> bool {
        match &**self.state.load() {
            State::Absent(_) => false,
            State::Present(present) => match present.set.primary().provenance().origin.kind() {
                SourceKind::Env | SourceKind::File => true,
                SourceKind::Aws => false,
            },
        }
    }

    pub(crate) fn health(&self) -> Health {
        match &**self.state.load() {
            State::Absent(error) => Health {
                freshness: Freshness::Absent,
                confirmed_ago: None,
                last_error: Some(error.clone()),
                expires_in: None,
            },
            State::Present(present) => Health {
                freshness: present.freshness(&self.spec),
                confirmed_ago: Some(present.confirmed_at.elapsed()),
                last_error: present.failure.as_ref().map(|failure| failure.error.clone()),
                expires_in: present.failure.as_ref().and_then(RefreshFailure::expires_in),
            },
        }
    }
}

impl Present {
    fn confirmed_now(set: SecretSet) -> State {
        State::Present(Self { set: Arc::new(set), confirmed_at: Instant::now(), failure: None })
    }

    fn get(&self, spec: &SecretSpec) -> Result<(&Arc<SecretSet>, ReadOutcome), Error> {
        match &self.failure {
            None => Ok((&self.set, ReadOutcome::Fresh)),
            Some(failure) if failure.is_over() => Err(self.expired(failure, spec)),
            Some(_) => Ok((&self.set, ReadOutcome::Stale)),
        }
    }

    fn updated(&self, update: Update, spec: &SecretSpec) -> (State, Transition) {
        let Update { version, rotation } = update;
        let is_same = self.set.value().verify_eq(version.value().expose());
        // A value that was announced before it took over replaces the one before in a rotation, not by hand.
        let is_announced = self.set.overlap_ids().0 == Some(version.id());
        let overlap = if is_announced { spec.overlap } else { spec.overlap_after_change() };
        let next = if is_same { self.set.confirmed(version) } else { self.set.replaced_by(version, overlap) };
        let next = next.with_rotation(rotation, Some(&self.set));
        let transition = match (is_same, next.overlap_ids() == self.set.overlap_ids()) {
            (false, _) => Transition::Changed,
            (true, false) => Transition::OverlapChanged,
            (true, true) => Transition::Confirmed,
        };
        (Self::confirmed_now(next), transition)
    }

    /// Whether the value in use was revoked, so that it is no longer served.
    fn is_revoked_by(&self, error: &Error) -> bool {
        let Error::Policy { violation: PolicyViolation::Revoked { version }, .. } = error else {
            return false;
        };
        version == self.set.primary().id()
    }

    /// Keeps the last good value.
    fn failed(&self, error: Error, spec: &SecretSpec) -> State {
        let failure = RefreshFailure::new(error, self.failure.as_ref(), self.confirmed_at, spec);
        State::Present(Self {
            set: Arc::clone(&self.set),
            confirmed_at: self.confirmed_at,
            failure: Some(failure),
        })
    }

    fn expired(&self, failure: &RefreshFailure, spec: &SecretSpec) -> Error {
        let limit = failure.serve_until.map_or(spec.stale_max, |until| until - self.confirmed_at);
        Error::Expired { name: spec.name.clone(), age: self.confirmed_at.elapsed(), limit }
    }

    fn freshness(&self, spec: &SecretSpec) -> Freshness {
        let age = self.confirmed_at.elapsed();
        match &self.failure {
            Some(failure) if failure.is_over() => Freshness::Expired,
            Some(failure) => Freshness::Stale { age, why: failure.error.kind() },
            None if age > spec.ttl * STALE_AFTER_TTLS => {
                Freshness::Stale { age, why: ErrorKind::Unavailable }
            }
            None => Freshness::Fresh,
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
