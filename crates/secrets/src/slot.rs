//! The place where one secret's current state stands: readers never wait, writers swap it whole.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::Error;
use crate::handle::{Freshness, Health};
use crate::set::SecretSet;
use crate::spec::SecretSpec;
use crate::version::SecretVersion;

/// How long the last good value is served after its source said that it is gone or refused.
const DEFINITIVE_GRACE: Duration = Duration::from_secs(60);
/// A value is stale when it was not confirmed for so many times its TTL, even if no failure was reported.
const STALE_AFTER_TTLS: u32 = 3;

pub(crate) struct Slot {
    spec: SecretSpec,
    state: ArcSwap<State>,
    changes: watch::Sender<u64>,
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
    Failed,
    StillAbsent,
}

impl Slot {
    /// A slot that holds nothing yet.
    pub(crate) fn new(spec: SecretSpec) -> Self {
        let absent = Error::NotFound { name: spec.name.clone(), tried: Vec::new() };
        Self { spec, state: ArcSwap::from_pointee(State::Absent(absent)), changes: watch::Sender::new(0) }
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

    /// Takes in what a fresh look brought. Called by one task at a time.
    pub(crate) fn accept(&self, looked: Result<SecretVersion, Error>) -> Outcome {
        let state = self.state.load_full();
        let (next, outcome) = match (&*state, looked) {
            (State::Absent(_), Err(error)) => (State::Absent(error), Outcome::StillAbsent),
            (State::Absent(_), Ok(version)) => (Present::of(SecretSet::new(version)), Outcome::Appeared),
            (State::Present(present), Err(error)) => (present.failed(error, &self.spec), Outcome::Failed),
            (State::Present(present), Ok(version)) => present.found(version, &self.spec),
        };
        self.state.store(Arc::new(next));
        if matches!(outcome, Outcome::Appeared | Outcome::Changed) {
            self.changes.send_modify(|count| *count += 1);
        }
        outcome
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
        match &self.failing {
            Some(failing) if failing.is_over() => Err(self.expired(failing, spec)),
            Some(_) | None => Ok(Arc::clone(&self.set)),
        }
    }

    fn found(&self, version: SecretVersion, spec: &SecretSpec) -> (State, Outcome) {
        if self.set.value().verify_eq(version.value().expose()) {
            return (Self::of(self.set.confirmed(version)), Outcome::Confirmed);
        }
        (Self::of(self.set.followed_by(version, spec.overlap)), Outcome::Changed)
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
        Error::NotFound { .. } | Error::AccessDenied { .. } | Error::Expired { .. } => {
            Some(transient.min(now + DEFINITIVE_GRACE))
        }
        Error::Unavailable { .. }
        | Error::ReadOnly { .. }
        | Error::RotationInProgress { .. }
        | Error::VersionConflict { .. }
        | Error::Audit
        | Error::Config(_)
        | Error::Internal { .. } => Some(transient),
    }
}
