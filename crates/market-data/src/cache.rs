//! A cache with one fetch per symbol, however many callers wait, and stale values while a fetch runs.
//!
//! Fresh values are returned at once. A value past its freshness is returned too, marked with its age, while one fetch
//! runs in the background. A value past its last use, or none, makes callers wait for that fetch. Failures are remembered
//! for a while, so that they cause no calls, and are never stored as values. Every size is bounded.
//!
//! A fetch is a separate task: a caller that goes away does not stop it, and a panic in it counts as a failure.

mod state;

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::Symbol;
use telemetry::traces;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::stats::count;
use crate::{Error, Freshness, Outage, Stats};
use state::{Lookup, State};

/// Bounds of the cache, in time and number.
#[derive(Clone, Debug)]
pub struct CacheConfig {
    /// How long a value is returned without a fetch. Default 5 minutes.
    pub fresh_for: Duration,
    /// How long a value with a failed part is returned without a fetch. Default 30 seconds.
    pub partial_fresh_for: Duration,
    /// How long after its fetch a value is still returned, marked as stale. Default 24 hours.
    pub stale_for: Duration,
    /// How long a failure without a wait of its own is remembered. Default 30 seconds.
    pub failure_for: Duration,
    /// How long an unknown symbol stays unknown. Default 10 minutes.
    pub unknown_for: Duration,
    /// Most cached symbols, at least one; ten years of bars take about 0.25 MB. Default 256.
    pub symbols_max: usize,
    /// Most remembered failures, including unknown symbols. Default 4096.
    pub failures_max: usize,
    /// Most fetches in flight. Default 64.
    pub fetches_max: usize,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self {
            fresh_for: Duration::from_secs(5 * 60),
            partial_fresh_for: Duration::from_secs(30),
            stale_for: Duration::from_secs(24 * 60 * 60),
            failure_for: Duration::from_secs(30),
            unknown_for: Duration::from_secs(10 * 60),
            symbols_max: 256,
            failures_max: 4_096,
            fetches_max: 64,
        }
    }
}

/// The result of a successful fetch.
pub(crate) struct FetchedValue<V> {
    pub(crate) value: V,
    /// Whether a part failed and should be fetched again soon.
    pub(crate) is_partial: bool,
    /// How long ago the source sent it, if another replica fetched it.
    pub(crate) age: Duration,
}

type Outcome<V> = Result<(Arc<V>, Freshness), Error>;
type InFlight<V> = watch::Receiver<Option<Outcome<V>>>;
type OutcomeSender<V> = watch::Sender<Option<Outcome<V>>>;

/// Values by symbol. A clone is another handle to the same cache.
pub(crate) struct Cache<V> {
    inner: Arc<Inner<V>>,
}

struct Inner<V> {
    state: Mutex<State<V>>,
    config: CacheConfig,
    stats: Arc<Stats>,
}

impl<V: Send + Sync + 'static> Cache<V> {
    pub(crate) fn new(config: CacheConfig, stats: Arc<Stats>) -> Self {
        let state = Mutex::new(State::new(&config));
        Self { inner: Arc::new(Inner { state, config, stats }) }
    }

    /// The value of `symbol`, fetched if necessary; `fetch` receives the value that it replaces.
    pub(crate) async fn get<F, Fetching>(
        &self,
        symbol: Symbol,
        fetch: F,
    ) -> Result<(Arc<V>, Freshness), Error>
    where
        F: FnOnce(Option<Arc<V>>) -> Fetching,
        Fetching: Future<Output = Result<FetchedValue<V>, Error>> + Send + 'static,
    {
        let lookup = self.inner.lock().look_up(&symbol, Instant::now(), &self.inner.config);
        let stats = &self.inner.stats;
        match lookup {
            Lookup::Fresh(value) => {
                count(&stats.cache_hits);
                Ok((value, Freshness::Fresh))
            }
            Lookup::Failed(error) => {
                count(&stats.cache_negative);
                Err(error)
            }
            Lookup::Stale { value, age_s, refresh } => {
                count(&stats.cache_stale);
                if let Some(sender) = refresh {
                    self.spawn_fetch(symbol, fetch(Some(value.clone())), sender);
                }
                Ok((value, Freshness::Stale { age_s }))
            }
            Lookup::Join(in_flight) => {
                count(&stats.cache_joined);
                finished(in_flight).await
            }
            Lookup::Fetch(sender) => {
                count(&stats.cache_misses);
                let in_flight = sender.subscribe();
                self.spawn_fetch(symbol, fetch(None), sender);
                finished(in_flight).await
            }
        }
    }

    /// The cached symbols with their values, in any order.
    pub(crate) fn entries(&self) -> Vec<(Symbol, Arc<V>)> {
        self.inner.lock().entries()
    }

    pub(crate) fn len(&self) -> usize {
        self.inner.lock().len()
    }

    fn spawn_fetch<Fetching>(&self, symbol: Symbol, fetching: Fetching, sender: OutcomeSender<V>)
    where
        Fetching: Future<Output = Result<FetchedValue<V>, Error>> + Send + 'static,
    {
        let inner = self.inner.clone();
        // In the trace of the first request that waits for it.
        let fetching = traces::in_current(fetching);
        tokio::spawn(async move {
            let outcome = tokio::spawn(fetching).await.unwrap_or_else(|error| {
                tracing::error!(%symbol, %error, "market data fetch failed: task panicked");
                Err(internal())
            });
            let (outcome, is_evicting) = inner.lock().finish(symbol, outcome, Instant::now(), &inner.config);
            if is_evicting {
                count(&inner.stats.cache_evictions);
            }
            // Fails when no caller waits any more.
            let _ = sender.send(Some(outcome));
        });
    }
}

impl<V> Inner<V> {
    fn lock(&self) -> MutexGuard<'_, State<V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn finished<V>(mut in_flight: InFlight<V>) -> Result<(Arc<V>, Freshness), Error> {
    // The sender is dropped without a value only when the runtime stops.
    let outcome = in_flight.wait_for(Option::is_some).await.map_err(|_| internal())?;
    let outcome = outcome.as_ref().expect("`wait_for` returned a value");
    outcome.clone()
}

fn internal() -> Error {
    Error::Unavailable { kind: Outage::Internal, retry_after_s: 1 }
}

#[cfg(test)]
mod tests;
