//! What the cache holds, and what to do for a caller: decided under one lock, without waiting.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::Symbol;
use tokio::sync::watch;
use tokio::time::Instant;

use super::{Config, Fetched, Landing, Outcome};
use crate::lru::Lru;
use crate::{Error, Outage};

pub(super) struct State<V> {
    values: Lru<Held<V>>,
    failures: Lru<Failure>,
    /// Fetches in flight; each removes itself when it lands.
    flights: HashMap<Symbol, Landing<V>>,
}

struct Held<V> {
    value: Arc<V>,
    fetched_at: Instant,
    fresh_until: Instant,
}

struct Failure {
    error: Error,
    until: Instant,
}

/// What to do for one caller.
pub(super) enum Step<V> {
    /// Answer this.
    Fresh(Arc<V>),
    /// Answer this, marked; and start a fetch when there is something to land on.
    Stale { value: Arc<V>, age_s: u64, land: Option<watch::Sender<Option<Outcome<V>>>> },
    /// Answer this failure.
    Failed(Error),
    /// Wait for the fetch that is running.
    Join(Landing<V>),
    /// Start a fetch and wait for it.
    Start(watch::Sender<Option<Outcome<V>>>),
}

impl<V> State<V> {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            values: Lru::new(config.symbols_max),
            failures: Lru::new(config.failures_max),
            flights: HashMap::new(),
        }
    }

    pub(super) fn step(&mut self, symbol: &Symbol, now: Instant, config: &Config) -> Step<V> {
        let failure = self.failure(symbol, now);
        let held =
            self.values.get(symbol).map(|held| (held.value.clone(), held.fetched_at, held.fresh_until));
        match held {
            Some((value, _, fresh_until)) if now < fresh_until => Step::Fresh(value),
            Some((value, fetched_at, _)) if now < fetched_at + config.stale_for => {
                let may_start = failure.is_none() && !self.flights.contains_key(symbol);
                let land = may_start.then(|| self.take_off(symbol, config)).flatten();
                Step::Stale { value, age_s: (now - fetched_at).as_secs(), land }
            }
            Some(_) | None => self.step_without_value(symbol, failure, config),
        }
    }

    fn step_without_value(&mut self, symbol: &Symbol, failure: Option<Error>, config: &Config) -> Step<V> {
        if let Some(landing) = self.flights.get(symbol) {
            return Step::Join(landing.clone());
        }
        if let Some(error) = failure {
            return Step::Failed(error);
        }
        let busy = Error::Unavailable { kind: Outage::Busy, retry_after_s: 1 };
        self.take_off(symbol, config).map_or(Step::Failed(busy), Step::Start)
    }

    /// A place for one more fetch, unless there are as many as there may be.
    fn take_off(&mut self, symbol: &Symbol, config: &Config) -> Option<watch::Sender<Option<Outcome<V>>>> {
        if self.flights.len() >= config.fetches_max.max(1) {
            return None;
        }
        let (land, landing) = watch::channel(None);
        self.flights.insert(*symbol, landing);
        Some(land)
    }

    /// A failure that still holds, with the wait that is left of it.
    fn failure(&mut self, symbol: &Symbol, now: Instant) -> Option<Error> {
        let failure = self.failures.get(symbol)?;
        if failure.until <= now {
            self.failures.remove(symbol);
            return None;
        }
        Some(failure.error.clone().waiting(whole_seconds(failure.until - now)))
    }

    /// Keeps what a fetch brought; says whether another value had to go.
    pub(super) fn settle(
        &mut self,
        symbol: Symbol,
        outcome: Result<Fetched<V>, Error>,
        now: Instant,
        config: &Config,
    ) -> (Outcome<V>, bool) {
        self.flights.remove(&symbol);
        match outcome {
            Ok(Fetched { value, is_partial }) => {
                self.failures.remove(&symbol);
                let value = Arc::new(value);
                let fresh_for = if is_partial { config.partial_fresh_for } else { config.fresh_for };
                let held = Held { value: value.clone(), fetched_at: now, fresh_until: now + fresh_for };
                (Ok(value), self.values.insert(symbol, held))
            }
            Err(error) => {
                let until = now + remembered_for(&error, config);
                (Err(error.clone()), self.failures.insert(symbol, Failure { error, until }))
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Values, failures and fetches in flight.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize, usize) {
        (self.values.iter().count(), self.failures.iter().count(), self.flights.len())
    }

    pub(super) fn held(&self) -> Vec<(Symbol, Arc<V>)> {
        self.values.iter().map(|(symbol, held)| (*symbol, held.value.clone())).collect()
    }
}

/// A failure that names a wait is remembered for that wait.
fn remembered_for(error: &Error, config: &Config) -> Duration {
    match error {
        Error::UnknownSymbol { .. } => config.unknown_for,
        Error::QuotaExhausted { retry_after_s } | Error::Unavailable { retry_after_s, .. } => {
            Duration::from_secs(u64::from(*retry_after_s))
        }
        Error::Denied(_) | Error::BadData { .. } => config.failure_for,
    }
}

/// Rounded up, so that a caller who waits this long finds the failure gone.
fn whole_seconds(left: Duration) -> u32 {
    u32::try_from(left.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX)
}
