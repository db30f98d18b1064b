//! Polygon (Massive): daily bars, the company's name, filings, news and the last price, over HTTPS.
//!
//! The key travels in a header and never in a URL; symbols are percent-encoded; redirects are not followed; a next page
//! is fetched only from the configured scheme, host and port. What the vendor writes in its error bodies is not read:
//! the status decides, and no text of the vendor's enters an error of ours.
//!
//! Its "adjusted" bars are adjusted for splits only, and carry every split up to the day of the call: a refresh replaces
//! all bars and never appends, so that no series mixes two adjustments.

mod assemble;
mod bars;
mod client;
mod config;
mod details;
mod financials;
mod known;
mod news;
mod quota;
mod quote;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use domain::{PriceBasis, Symbol};
use reqwest::header::HeaderValue;

pub use config::{BuildError, CALLS_PER_MINUTE_MAX, Config};
pub use quote::Quote;

use crate::cache::{Cache, Fetched};
use crate::{Benchmark, Clock, Error, Listed, Snapshot, Stats};
use assemble::Kept;
use client::Client;

/// What answers call this source.
pub const DATA_SOURCE: &str = "polygon";
/// What other symbols are compared with.
const BENCHMARK: &str = "SPY";
/// Longest wait of one analysis for the market's returns.
const BENCHMARK_WAIT: Duration = Duration::from_secs(2);

/// Where the key comes from at each call, so that a new one needs no restart: the whole `Authorization` value, as
/// [`bearer`] makes it; `None` when there is none.
pub type KeySource = Arc<dyn Fn() -> Option<HeaderValue> + Send + Sync>;

/// `Bearer <key>`, marked as sensitive; `None` when the key holds a byte that no header may carry.
#[must_use]
pub fn bearer(key: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {key}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The vendor behind its cache.
pub struct Polygon {
    client: Arc<Client>,
    snapshots: Cache<Kept>,
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
        let (kept, freshness) = self.snapshots.get(symbol, fetch).await?;
        if kept.snapshot.freshness == freshness {
            return Ok(kept.snapshot.clone());
        }
        Ok(Arc::new(Snapshot { freshness, ..(*kept.snapshot).clone() }))
    }

    pub(crate) fn symbols(&self) -> Vec<Listed> {
        let listed = |(symbol, kept): (Symbol, Arc<Kept>)| Listed {
            symbol,
            name: kept.snapshot.name.as_deref().map(str::to_owned),
        };
        let mut listed: Vec<_> = self.snapshots.held().into_iter().map(listed).collect();
        listed.sort_by_key(|listed| listed.symbol);
        listed
    }

    /// One call, or none while it is cached. Without it an analysis has no beta, and says so: nobody waits longer than
    /// [`BENCHMARK_WAIT`] for it, while its fetch goes on for those who ask later.
    pub(crate) async fn benchmark(&self) -> Option<Arc<Benchmark>> {
        let symbol: Symbol = BENCHMARK.parse().ok()?;
        let client = self.client.clone();
        let fetch = move |_| async move {
            let bars = client.bars(symbol).await?;
            let history = domain::History::unadjusted(symbol, bars.bars, PriceBasis::Split, bars.refused);
            Ok(Fetched { value: Benchmark::of(BENCHMARK, &history), is_partial: false })
        };
        let answer = tokio::time::timeout(BENCHMARK_WAIT, self.benchmarks.get(symbol, fetch)).await;
        answer.ok()?.ok().map(|(benchmark, _)| benchmark)
    }

    pub(crate) async fn quote(&self, symbol: &Symbol) -> Result<Quote, Error> {
        self.client.quote(*symbol).await
    }

    /// Symbols and market returns that are held.
    pub(crate) fn entries(&self) -> usize {
        self.snapshots.len() + self.benchmarks.len()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    pub(crate) async fn probe(&self) -> Result<(), Error> {
        self.client.probe().await
    }
}

impl std::fmt::Debug for Polygon {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Polygon").field("base", &self.client.base().as_str()).finish_non_exhaustive()
    }
}
