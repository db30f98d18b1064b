//! The metrics of what the service leans on: the vendor of market data, what is kept of its answers and of ours, and the
//! last check of each dependency. Others count these; they are read when the metrics are asked for.

use std::sync::Arc;

use market_data::{MarketData, StatsReading, polygon};
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounterVec, IntGaugeVec, Opts};

use crate::answers::Answers;
use crate::workers::{Board, Outcome};

/// What is read.
#[derive(Debug)]
pub struct SourceMetrics {
    market_data: Arc<MarketData>,
    answers: Arc<Answers>,
    board: Arc<Board>,
    descriptions: Vec<Desc>,
}

/// The metrics of one answer.
struct Gathered {
    calls: IntCounterVec,
    refused: IntCounterVec,
    retries: IntCounterVec,
    closed: IntGaugeVec,
    lookups: IntCounterVec,
    evictions: IntCounterVec,
    entries: IntGaugeVec,
    up: IntGaugeVec,
}

/// What is kept of the source's answers.
const MARKET_DATA: &str = "market_data";
/// Our own finished answers.
const ANSWERS: &str = "answers";

impl SourceMetrics {
    /// Reads these.
    ///
    /// # Errors
    /// A malformed name, which is a fault in this file.
    pub fn new(
        market_data: Arc<MarketData>,
        answers: Arc<Answers>,
        board: Arc<Board>,
    ) -> Result<Self, prometheus::Error> {
        let gathered = Gathered::new()?;
        let descriptions = gathered.each().into_iter().flat_map(Collector::desc).cloned().collect();
        Ok(Self { market_data, answers, board, descriptions })
    }
}

impl Collector for SourceMetrics {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Ok(gathered) = Gathered::new() else { return Vec::new() };
        let stats = self.market_data.stats().read();
        gathered.read_vendor(&self.market_data, &stats);
        gathered.read_caches(&self.market_data, &stats, &self.answers);
        gathered.read_checks(&self.board);
        gathered.each().into_iter().flat_map(Collector::collect).collect()
    }
}

impl Gathered {
    fn new() -> Result<Self, prometheus::Error> {
        let opts = |name: &str, help| Opts::new(["investiq_", name].concat(), help);
        let counters = |name, help, labels: &[&str]| IntCounterVec::new(opts(name, help), labels);
        let gauges = |name, help, label| IntGaugeVec::new(opts(name, help), &[label]);
        Ok(Self {
            calls: counters(
                "vendor_calls_total",
                "Calls of a data vendor by what they brought, further tries included",
                &["vendor", "outcome"],
            )?,
            refused: counters(
                "vendor_calls_refused_total",
                "Calls of a data vendor that were not made, by what forbade them",
                &["vendor", "reason"],
            )?,
            retries: counters(
                "vendor_retries_total",
                "Further tries of calls of a data vendor",
                &["vendor"],
            )?,
            closed: gauges(
                "vendor_circuit_open",
                "1 while a data vendor is not called, because it said to wait",
                "vendor",
            )?,
            lookups: counters(
                "cache_lookups_total",
                "Questions to a cache by outcome",
                &["cache", "outcome"],
            )?,
            evictions: counters(
                "cache_evictions_total",
                "Entries dropped from a cache for room",
                &["cache"],
            )?,
            entries: gauges("cache_entries", "Entries that a cache holds", "cache")?,
            up: gauges(
                "dependency_up",
                "1 when the last check of a dependency that is in use found it good or stale, 0 when down",
                "check",
            )?,
        })
    }

    fn each(&self) -> [&dyn Collector; 8] {
        let Self { calls, refused, retries, closed, lookups, evictions, entries, up } = self;
        [calls, refused, retries, closed, lookups, evictions, entries, up]
    }

    fn read_vendor(&self, market_data: &MarketData, stats: &StatsReading) {
        const VENDOR: &str = polygon::DATA_SOURCE;
        for (outcome, number) in calls(stats) {
            self.calls.with_label_values(&[VENDOR, outcome]).inc_by(number);
        }
        let StatsReading { key_refusals, quota_refusals, busy_refusals, .. } = *stats;
        for (reason, number) in [("key", key_refusals), ("quota", quota_refusals), ("busy", busy_refusals)] {
            self.refused.with_label_values(&[VENDOR, reason]).inc_by(number);
        }
        self.retries.with_label_values(&[VENDOR]).inc_by(stats.retries);
        self.closed.with_label_values(&[VENDOR]).set(i64::from(market_data.is_closed()));
    }

    fn read_caches(&self, market_data: &MarketData, stats: &StatsReading, answers: &Answers) {
        let (hits, misses) = answers.lookups();
        let of_market_data = lookups(stats).map(|(outcome, number)| (MARKET_DATA, outcome, number));
        let of_answers = [(ANSWERS, "hit", hits), (ANSWERS, "miss", misses)];
        for (cache, outcome, number) in of_market_data.into_iter().chain(of_answers) {
            self.lookups.with_label_values(&[cache, outcome]).inc_by(number);
        }
        self.evictions.with_label_values(&[MARKET_DATA]).inc_by(stats.cache_evictions);
        for (cache, entries) in [(MARKET_DATA, market_data.entries()), (ANSWERS, answers.len())] {
            self.entries.with_label_values(&[cache]).set(i64::try_from(entries).unwrap_or(i64::MAX));
        }
    }

    /// A dependency that is not in use, or was not looked at yet, is neither up nor down.
    fn read_checks(&self, board: &Board) {
        for check in board.checks() {
            let is_up = match check.reading().outcome {
                Outcome::NotConfigured | Outcome::Pending => continue,
                Outcome::Ok | Outcome::Stale => 1,
                Outcome::Down => 0,
            };
            self.up.with_label_values(&[check.name()]).set(is_up);
        }
    }
}

fn calls(stats: &StatsReading) -> [(&'static str, u64); 8] {
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

fn lookups(stats: &StatsReading) -> [(&'static str, u64); 5] {
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
    fn every_counter_of_the_source_is_told_under_one_label() {
        let named = StatsReading::default().named();
        let told = calls(&StatsReading::default()).len() + lookups(&StatsReading::default()).len();
        // Beside them: three reasons not to call, the retries and the evictions.
        assert_eq!(told + 3 + 2, named.len(), "{named:?}");
    }
}
