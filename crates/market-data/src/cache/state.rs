//! The cached entries, and the decision of what to do for a caller, under one lock and without waiting.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::Symbol;
use quick_cache::unsync;
use tokio::sync::watch;
use tokio::time::Instant;

use super::{CacheConfig, FetchedValue, InFlight, Outcome, OutcomeSender};
use crate::error::whole_seconds;
use crate::{Error, Freshness, Outage};

/// A value of this age was fetched for whoever waits for it.
const JUST_FETCHED: Duration = Duration::from_secs(1);

pub(super) struct State<V> {
    values: unsync::Cache<Symbol, CachedValue<V>>,
    failures: unsync::Cache<Symbol, CachedFailure>,
    /// Each fetch removes itself when it ends.
    in_flight: HashMap<Symbol, InFlight<V>>,
}

struct CachedValue<V> {
    value: Arc<V>,
    fetched_at: Instant,
    fresh_until: Instant,
    /// When a stale value is fetched again.
    fetch_at: Instant,
}

struct CachedFailure {
    error: Error,
    until: Instant,
}

/// What to do for one caller.
pub(super) enum Lookup<V> {
    Fresh(Arc<V>),
    /// Return the value, and start a fetch if there is a sender for its outcome.
    Stale {
        value: Arc<V>,
        age_s: u64,
        refresh: Option<OutcomeSender<V>>,
    },
    Failed(Error),
    /// Wait for the running fetch.
    Join(InFlight<V>),
    /// Start a fetch and wait for it.
    Fetch(OutcomeSender<V>),
}

impl<V> State<V> {
    pub(super) fn new(config: &CacheConfig) -> Self {
        Self {
            values: unsync::Cache::new(config.symbols_max.max(1)),
            failures: unsync::Cache::new(config.failures_max.max(1)),
            in_flight: HashMap::new(),
        }
    }

    pub(super) fn look_up(&mut self, symbol: &Symbol, now: Instant, config: &CacheConfig) -> Lookup<V> {
        let failure = self.failure(symbol, now);
        let cached = self
            .values
            .get(symbol)
            .map(|cached| (cached.value.clone(), cached.fetched_at, cached.fresh_until, cached.fetch_at));
        match cached {
            Some((value, _, fresh_until, _)) if now < fresh_until => Lookup::Fresh(value),
            Some((value, fetched_at, _, fetch_at)) if now < fetched_at + config.stale_for => {
                let is_due = failure.is_none() && now >= fetch_at;
                let may_start = is_due && !self.in_flight.contains_key(symbol);
                let refresh = may_start.then(|| self.start(symbol, config)).flatten();
                Lookup::Stale { value, age_s: (now - fetched_at).as_secs(), refresh }
            }
            Some(_) | None => self.look_up_without_value(symbol, failure, config),
        }
    }

    fn look_up_without_value(
        &mut self,
        symbol: &Symbol,
        failure: Option<Error>,
        config: &CacheConfig,
    ) -> Lookup<V> {
        if let Some(in_flight) = self.in_flight.get(symbol) {
            return Lookup::Join(in_flight.clone());
        }
        if let Some(error) = failure {
            return Lookup::Failed(error);
        }
        let busy = Error::Unavailable { kind: Outage::Busy, retry_after_s: 1 };
        self.start(symbol, config).map_or(Lookup::Failed(busy), Lookup::Fetch)
    }

    /// Registers a fetch, unless `fetches_max` are in flight.
    fn start(&mut self, symbol: &Symbol, config: &CacheConfig) -> Option<OutcomeSender<V>> {
        if self.in_flight.len() >= config.fetches_max.max(1) {
            return None;
        }
        let (sender, in_flight) = watch::channel(None);
        self.in_flight.insert(*symbol, in_flight);
        Some(sender)
    }

    /// A failure that is still remembered, with the rest of its wait.
    fn failure(&mut self, symbol: &Symbol, now: Instant) -> Option<Error> {
        self.failures.remove_if(symbol, |failure| failure.until <= now);
        let failure = self.failures.get(symbol)?;
        Some(failure.error.clone().waiting(whole_seconds(failure.until - now)))
    }

    /// Stores the outcome of a fetch, and returns whether another entry was dropped to make room.
    pub(super) fn finish(
        &mut self,
        symbol: Symbol,
        outcome: Result<FetchedValue<V>, Error>,
        now: Instant,
        config: &CacheConfig,
    ) -> (Outcome<V>, bool) {
        self.in_flight.remove(&symbol);
        match outcome {
            Ok(FetchedValue { value, is_partial, age }) => {
                self.failures.remove(&symbol);
                let value = Arc::new(value);
                let fresh_for = if is_partial { config.partial_fresh_for } else { config.fresh_for };
                let fetched_at = now.checked_sub(age).unwrap_or(now);
                let fresh_until = fetched_at + fresh_for;
                // A stale value means that the source is away.
                let (freshness, fetch_at) = match age <= JUST_FETCHED || now < fresh_until {
                    true => (Freshness::Fresh, fresh_until),
                    false => (Freshness::Stale { age_s: age.as_secs() }, now + config.failure_for),
                };
                let cached = CachedValue { value: value.clone(), fetched_at, fresh_until, fetch_at };
                (Ok((value, freshness)), insert(&mut self.values, symbol, cached))
            }
            Err(error) => {
                let until = now + remembered_for(&error, config);
                (Err(error.clone()), insert(&mut self.failures, symbol, CachedFailure { error, until }))
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Values, failures and fetches in flight.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize, usize) {
        (self.values.iter().count(), self.failures.iter().count(), self.in_flight.len())
    }

    pub(super) fn entries(&self) -> Vec<(Symbol, Arc<V>)> {
        self.values.iter().map(|(symbol, cached)| (*symbol, cached.value.clone())).collect()
    }
}

/// Returns whether another entry was dropped to make room.
fn insert<T>(cache: &mut unsync::Cache<Symbol, T>, symbol: Symbol, entry: T) -> bool {
    let is_evicting = cache.weight() >= cache.capacity() && !cache.contains_key(&symbol);
    cache.insert(symbol, entry);
    is_evicting
}

/// A failure that names a wait is remembered for that wait.
fn remembered_for(error: &Error, config: &CacheConfig) -> Duration {
    match error {
        Error::UnknownSymbol { .. } => config.unknown_for,
        Error::QuotaExhausted { retry_after_s } | Error::Unavailable { retry_after_s, .. } => {
            Duration::from_secs(u64::from(*retry_after_s))
        }
        Error::Denied(_) | Error::UnusableFile { .. } | Error::BadData { .. } => config.failure_for,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_cache_drops_an_entry_for_a_new_symbol_and_none_for_a_cached_one() {
        let mut cache = unsync::Cache::new(2);
        let evictions = ["A", "B", "C", "C"].map(|text| insert(&mut cache, text.parse().unwrap(), ()));
        assert_eq!(evictions, [false, false, true, false]);
        assert_eq!(cache.len(), 2);
    }
}
