//! Metrics of dependencies: the market-data vendor, the caches of its responses and of this service's, and the last
//! check of each dependency. Other parts count these; they are read at each scrape.

use std::sync::Arc;

use market_data::{MarketData, StatsSnapshot, polygon};
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounterVec, IntGaugeVec, Opts};
use workers::{HealthRegistry, Outcome};

use crate::response_cache::ResponseCache;

/// Collects the metrics of dependencies.
#[derive(Debug)]
pub(crate) struct DependencyMetrics {
    market_data: Arc<MarketData>,
    response_cache: Arc<ResponseCache>,
    health: Arc<HealthRegistry>,
    descriptions: Vec<Desc>,
}

/// The metrics of one scrape.
struct Scrape {
    calls: IntCounterVec,
    refused: IntCounterVec,
    retries: IntCounterVec,
    closed: IntGaugeVec,
    lookups: IntCounterVec,
    evictions: IntCounterVec,
    entries: IntGaugeVec,
    up: IntGaugeVec,
}

/// The cache of the vendor's responses.
const MARKET_DATA: &str = "market_data";
/// The cache of our own responses.
const RESPONSES: &str = "responses";

impl DependencyMetrics {
    /// # Errors
    /// A malformed name, which is a bug in this file.
    pub(crate) fn new(
        market_data: Arc<MarketData>,
        response_cache: Arc<ResponseCache>,
        health: Arc<HealthRegistry>,
    ) -> Result<Self, prometheus::Error> {
        let scrape = Scrape::new()?;
        let descriptions = scrape.each().into_iter().flat_map(Collector::desc).cloned().collect();
        Ok(Self { market_data, response_cache, health, descriptions })
    }
}

impl Collector for DependencyMetrics {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Ok(scrape) = Scrape::new() else { return Vec::new() };
        let stats = self.market_data.stats().snapshot();
        scrape.read_vendor(&self.market_data, &stats);
        scrape.read_caches(&self.market_data, &stats, &self.response_cache);
        scrape.read_checks(&self.health);
        scrape.each().into_iter().flat_map(Collector::collect).collect()
    }
}

impl Scrape {
    fn new() -> Result<Self, prometheus::Error> {
        let opts = |name: &str, help| Opts::new(["investiq_", name].concat(), help);
        let counters = |name, help, labels: &[&str]| IntCounterVec::new(opts(name, help), labels);
        let gauges = |name, help, label| IntGaugeVec::new(opts(name, help), &[label]);
        Ok(Self {
            calls: counters(
                "vendor_calls_total",
                "Calls of a market-data vendor by outcome, retries included",
                &["vendor", "outcome"],
            )?,
            refused: counters(
                "vendor_calls_refused_total",
                "Calls of a market-data vendor that were not made, by reason",
                &["vendor", "reason"],
            )?,
            retries: counters(
                "vendor_retries_total",
                "Retries of calls of a market-data vendor",
                &["vendor"],
            )?,
            closed: gauges(
                "vendor_circuit_open",
                "1 while a market-data vendor is not called because it said to wait",
                "vendor",
            )?,
            lookups: counters("cache_lookups_total", "Cache lookups by outcome", &["cache", "outcome"])?,
            evictions: counters(
                "cache_evictions_total",
                "Entries evicted from a cache to make room",
                &["cache"],
            )?,
            entries: gauges("cache_entries", "Entries in a cache", "cache")?,
            up: gauges(
                "dependency_up",
                "1 if the last check of a dependency in use succeeded or its data is stale, 0 if it is down",
                "check",
            )?,
        })
    }

    fn each(&self) -> [&dyn Collector; 8] {
        let Self { calls, refused, retries, closed, lookups, evictions, entries, up } = self;
        [calls, refused, retries, closed, lookups, evictions, entries, up]
    }

    fn read_vendor(&self, market_data: &MarketData, stats: &StatsSnapshot) {
        const VENDOR: &str = polygon::DATA_SOURCE;
        for (outcome, number) in calls(stats) {
            self.calls.with_label_values(&[VENDOR, outcome]).inc_by(number);
        }
        let StatsSnapshot { key_refusals, quota_refusals, busy_refusals, .. } = *stats;
        for (reason, number) in [("key", key_refusals), ("quota", quota_refusals), ("busy", busy_refusals)] {
            self.refused.with_label_values(&[VENDOR, reason]).inc_by(number);
        }
        self.retries.with_label_values(&[VENDOR]).inc_by(stats.retries);
        self.closed.with_label_values(&[VENDOR]).set(i64::from(market_data.is_rate_limited()));
    }

    fn read_caches(&self, market_data: &MarketData, stats: &StatsSnapshot, responses: &ResponseCache) {
        let (hits, misses) = responses.lookups();
        let market_data_lookups = lookups(stats).map(|(outcome, number)| (MARKET_DATA, outcome, number));
        let response_lookups = [(RESPONSES, "hit", hits), (RESPONSES, "miss", misses)];
        for (cache, outcome, number) in market_data_lookups.into_iter().chain(response_lookups) {
            self.lookups.with_label_values(&[cache, outcome]).inc_by(number);
        }
        self.evictions.with_label_values(&[MARKET_DATA]).inc_by(stats.cache_evictions);
        for (cache, entries) in [(MARKET_DATA, market_data.entries()), (RESPONSES, responses.len())] {
            self.entries.with_label_values(&[cache]).set(i64::try_from(entries).unwrap_or(i64::MAX));
        }
    }

    /// A dependency that is not in use, or was not checked yet, is neither up nor down.
    fn read_checks(&self, health: &HealthRegistry) {
        for check in health.checks() {
            let is_up = match check.result().outcome {
                Outcome::NotConfigured | Outcome::Pending => continue,
                Outcome::Ok | Outcome::Stale => 1,
                Outcome::Down => 0,
            };
            self.up.with_label_values(&[check.name()]).set(is_up);
        }
    }
}

fn calls(stats: &StatsSnapshot) -> [(&'static str, u64); 8] {
    [
        ("ok", stats.calls_ok),
        ("not_found", stats.calls_not_found),
        ("denied", stats.calls_denied),
        ("limited", stats.calls_limited),
        ("failed", stats.calls_failed),
        ("broken", stats.calls_broken),
        ("timed_out", stats.calls_timed_out),
        ("bad_data", stats.calls_bad_data),
    ]
}

fn lookups(stats: &StatsSnapshot) -> [(&'static str, u64); 5] {
    [
        ("hit", stats.cache_hits),
        ("stale", stats.cache_stale),
        ("miss", stats.cache_misses),
        ("joined", stats.cache_joined),
        ("failure", stats.cache_negative),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_of_the_vendor_is_shown_under_one_label() {
        let named = StatsSnapshot::default().named();
        let shown = calls(&StatsSnapshot::default()).len() + lookups(&StatsSnapshot::default()).len();
        // Also: three reasons not to call, the retries and the evictions.
        assert_eq!(shown + 3 + 2, named.len(), "{named:?}");
    }
}
