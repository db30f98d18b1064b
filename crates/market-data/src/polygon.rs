//! Polygon (Massive): daily bars, the company's name, filings and news, over HTTPS.
//!
//! The key is sent in a header and never in a URL; symbols are percent-encoded; redirects are not followed; a next page
//! is fetched only from the configured scheme, host and port. Error bodies are not read: errors depend on the status alone
//! and contain no text of the vendor.
//!
//! "Adjusted" bars of Polygon are adjusted for all splits up to the day of the call, not for dividends. A refresh therefore
//! replaces all bars and never appends, so that no series mixes two adjustments.

mod assemble;
mod bars;
mod client;
mod config;
mod details;
mod fetch;
mod financials;
mod news;
mod parts;
mod quota;
mod shared;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use domain::{PriceBasis, Symbol};
use reqwest::header::HeaderValue;

pub use config::{BuildError, CALLS_PER_MINUTE_MAX, Config};
pub use shared::{Shared, SharedResponses};

use crate::cache::{Cache, FetchedValue};
use crate::{Benchmark, Clock, Error, Snapshot, Stats, SymbolListing};
use assemble::CacheEntry;
use client::Client;
use fetch::Fetch;

/// Name of this source in responses.
pub const DATA_SOURCE: &str = "polygon";
/// The symbol that others are compared with.
const BENCHMARK: &str = "SPY";
/// Longest wait of an analysis for the market's returns.
const BENCHMARK_WAIT: Duration = Duration::from_secs(2);

/// Loads the `Authorization` value of [`bearer`] for each call, so that a new key needs no restart; `None` without a key.
pub type KeySource = Arc<dyn Fn() -> Option<HeaderValue> + Send + Sync>;

/// `Bearer <key>`, marked as sensitive; `None` when the key contains a byte that headers do not allow.
#[must_use]
pub fn bearer(key: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {key}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The vendor behind its cache.
pub struct Polygon {
    client: Arc<Client>,
    snapshots: Cache<CacheEntry>,
    benchmarks: Cache<Benchmark>,
    pub(crate) stats: Arc<Stats>,
}

impl Polygon {
    /// Builds the client; makes no call.
    ///
    /// # Errors
    /// When the settings cannot be used.
    pub fn new(config: Config, key: KeySource, clock: Clock) -> Result<Self, BuildError> {
        let stats = Arc::new(Stats::default());
        let (snapshots, benchmarks) = (config.cache.clone(), config.benchmark_cache.clone());
        Ok(Self {
            client: Arc::new(Client::new(config, key, clock, stats.clone())?),
            snapshots: Cache::new(snapshots, stats.clone()),
            benchmarks: Cache::new(benchmarks, stats.clone()),
            stats,
        })
    }

    pub(crate) async fn snapshot(&self, symbol: &Symbol) -> Result<Arc<Snapshot>, Error> {
        let (client, symbol) = (self.client.clone(), *symbol);
        let fetch = move |previous| assemble::snapshot(client, symbol, previous);
        let (entry, freshness) = self.snapshots.get(symbol, fetch).await?;
        if entry.snapshot.freshness == freshness {
            return Ok(entry.snapshot.clone());
        }
        Ok(Arc::new(Snapshot { freshness, ..(*entry.snapshot).clone() }))
    }

    pub(crate) fn symbols(&self) -> Vec<SymbolListing> {
        let listing = |(symbol, entry): (Symbol, Arc<CacheEntry>)| SymbolListing {
            symbol,
            name: entry.snapshot.name.as_deref().map(str::to_owned),
        };
        let mut symbols: Vec<_> = self.snapshots.entries().into_iter().map(listing).collect();
        symbols.sort_by_key(|listing| listing.symbol);
        symbols
    }

    /// One call, or none while the returns are cached. No caller waits longer than [`BENCHMARK_WAIT`]: its analysis then has
    /// no beta, and the fetch continues for later callers.
    pub(crate) async fn benchmark(&self) -> Option<Arc<Benchmark>> {
        let symbol: Symbol = BENCHMARK.parse().ok()?;
        let client = self.client.clone();
        let fetch = move |_| async move {
            let fetch = Fetch::new(Arc::clone(&client), &client.config.benchmark_cache);
            let bars = fetch.bars(symbol).await?;
            let age = fetch.age(bars.fetched_at_ms);
            let history = domain::History::unadjusted(symbol, bars.bars, PriceBasis::Split);
            let value = Benchmark::from_history(BENCHMARK, &history);
            Ok(FetchedValue { value, is_partial: false, age })
        };
        let benchmark = tokio::time::timeout(BENCHMARK_WAIT, self.benchmarks.get(symbol, fetch)).await;
        benchmark.ok()?.ok().map(|(benchmark, _)| benchmark)
    }

    /// Number of cached symbols and market returns.
    pub(crate) fn entries(&self) -> usize {
        self.snapshots.len() + self.benchmarks.len()
    }

    pub(crate) fn is_rate_limited(&self) -> bool {
        self.client.is_rate_limited()
    }

    pub(crate) async fn probe(&self) -> Result<(), Error> {
        self.client.probe().await
    }
}

impl std::fmt::Debug for Polygon {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Polygon").field("base_url", self.client.base_url()).finish_non_exhaustive()
    }
}
