//! Metrics of dependencies: the market-data vendor, caches, the broker's event streams, and the last check of each
//! dependency, and the output of log lines. Their values are read at each scrape.

use std::sync::Arc;

use alpaca::{EventStreams, StatusSnapshot, Stream};
use market_data::{MarketData, StatsSnapshot, polygon};
use telemetry::LogOutput;
use telemetry::metrics::{Families, Scrape};
use workers::{HealthRegistry, Outcome};

use crate::response_cache::ResponseCache;

/// The name and the help text of a metric.
type Metric = (&'static str, &'static str);

const VENDOR_CALLS: Metric =
    ("vendor_calls_total", "Calls to a market-data vendor by outcome, including retries");
const VENDOR_CALLS_REFUSED: Metric =
    ("vendor_calls_refused_total", "Calls to a market-data vendor that were not made, by reason");
const VENDOR_RETRIES: Metric = ("vendor_retries_total", "Retries of calls to a market-data vendor");
const VENDOR_CIRCUIT_OPEN: Metric =
    ("vendor_circuit_open", "1 while calls to a market-data vendor are paused because it asked to wait");
const CACHE_LOOKUPS: Metric = ("cache_lookups_total", "Cache lookups by outcome");
const CACHE_EVICTIONS: Metric = ("cache_evictions_total", "Entries evicted from a cache to make room");
const CACHE_ENTRIES: Metric = ("cache_entries", "Entries in a cache");
const DEPENDENCY_UP: Metric = (
    "dependency_up",
    "1 if the last check of a dependency in use succeeded or its data is stale, 0 if it is down",
);

const LOG_LINES_LOST: Metric =
    ("log_lines_lost_total", "Log lines that standard output did not accept, or not in time");

/// The name, the help text and the value of a gauge of an event stream.
type StreamGauge = (&'static str, &'static str, fn(&StatusSnapshot) -> f64);

const STREAM_GAUGES: [StreamGauge; 6] = [
    ("alpaca_stream_connected", "1 while this process is connected to the stream", |status| {
        f64::from(u8::from(status.is_connected))
    }),
    (
        "alpaca_stream_received_timestamp_seconds",
        "When data was last received from the stream, in seconds since 1970",
        |status| seconds(status.received_unix_ms),
    ),
    (
        "alpaca_stream_cursor_timestamp_seconds",
        "The time of the last durable cursor, in seconds since 1970",
        |status| seconds(status.cursor_unix_ms),
    ),
    ("alpaca_stream_records_stored", "Stored records, including duplicates", |status| {
        status.records_stored as f64
    }),
    ("alpaca_stream_records_unreadable", "Records that were skipped", |status| {
        status.records_unreadable as f64
    }),
    ("alpaca_stream_gaps", "Gaps in the stream that the broker reported", |status| status.gaps() as f64),
];

const VENDOR: &str = polygon::DATA_SOURCE;
/// The cache of the vendor's responses.
const MARKET_DATA: &str = "market_data";
/// The cache of this service's responses.
const RESPONSES: &str = "responses";

/// The dependencies whose metrics are read.
pub(crate) struct Dependencies {
    pub(crate) market_data: Arc<MarketData>,
    pub(crate) response_cache: Arc<ResponseCache>,
    pub(crate) health: Arc<HealthRegistry>,
    /// `None` if event streams are disabled: their gauges are at zero.
    pub(crate) streams: Option<Arc<EventStreams>>,
    pub(crate) log_output: LogOutput,
}

impl Dependencies {
    /// # Errors
    /// A name is malformed or already registered.
    pub(crate) fn register(self, families: &Families) -> Result<(), prometheus::Error> {
        families.register_scrape(move |scrape| {
            let stats = self.market_data.stats().snapshot();
            self.read_vendor(scrape, &stats)?;
            self.read_caches(scrape, &stats)?;
            self.read_streams(scrape)?;
            scrape.counters(LOG_LINES_LOST, [], [([""; 0], self.log_output.lost_lines())])?;
            self.read_checks(scrape)
        })
    }

    fn read_vendor(&self, scrape: &mut Scrape, stats: &StatsSnapshot) -> Result<(), prometheus::Error> {
        let StatsSnapshot { key_refusals, quota_refusals, busy_refusals, .. } = *stats;
        let refused = [("key", key_refusals), ("quota", quota_refusals), ("busy", busy_refusals)];
        let by_vendor = |(label, count)| ([VENDOR, label], count);
        let is_paused = f64::from(u8::from(self.market_data.is_rate_limited()));
        scrape.counters(VENDOR_CALLS, ["vendor", "outcome"], calls(stats).map(by_vendor))?;
        scrape.counters(VENDOR_CALLS_REFUSED, ["vendor", "reason"], refused.map(by_vendor))?;
        scrape.counters(VENDOR_RETRIES, ["vendor"], [([VENDOR], stats.retries)])?;
        scrape.gauges(VENDOR_CIRCUIT_OPEN, ["vendor"], [([VENDOR], is_paused)])
    }

    fn read_caches(&self, scrape: &mut Scrape, stats: &StatsSnapshot) -> Result<(), prometheus::Error> {
        let (hits, misses) = self.response_cache.lookups();
        let lookups = lookups(stats).map(|(outcome, count)| ([MARKET_DATA, outcome], count));
        let lookups = lookups.into_iter().chain([([RESPONSES, "hit"], hits), ([RESPONSES, "miss"], misses)]);
        let entries = [(MARKET_DATA, self.market_data.entries()), (RESPONSES, self.response_cache.len())];
        let entries = entries.map(|(cache, entries)| ([cache], entries as f64));
        scrape.counters(CACHE_LOOKUPS, ["cache", "outcome"], lookups)?;
        scrape.counters(CACHE_EVICTIONS, ["cache"], [([MARKET_DATA], stats.cache_evictions)])?;
        scrape.gauges(CACHE_ENTRIES, ["cache"], entries)
    }

    fn read_streams(&self, scrape: &mut Scrape) -> Result<(), prometheus::Error> {
        let status = |stream| self.streams.as_ref().map(|streams| streams.status(stream)).unwrap_or_default();
        let statuses = Stream::ALL.map(|stream| (stream.as_str(), status(stream)));
        STREAM_GAUGES.into_iter().try_for_each(|(name, help, value)| {
            let series = statuses.iter().map(|(stream, status)| ([*stream], value(status)));
            scrape.gauges((name, help), ["stream"], series)
        })
    }

    /// A dependency that is not in use, or was not checked yet, is neither up nor down.
    fn read_checks(&self, scrape: &mut Scrape) -> Result<(), prometheus::Error> {
        let checks = self.health.checks().iter().filter_map(|check| match check.result().outcome {
            Outcome::NotConfigured | Outcome::Pending => None,
            Outcome::Ok | Outcome::Stale => Some(([check.name()], 1.0)),
            Outcome::Down => Some(([check.name()], 0.0)),
        });
        scrape.gauges(DEPENDENCY_UP, ["check"], checks)
    }
}

/// Seconds since 1970; 0 for never.
fn seconds(unix_ms: Option<i64>) -> f64 {
    unix_ms.map_or(0.0, |unix_ms| (unix_ms / 1000) as f64)
}

fn calls(stats: &StatsSnapshot) -> [(&'static str, u64); 9] {
    [
        ("ok", stats.calls_ok),
        ("not_found", stats.calls_not_found),
        ("denied", stats.calls_denied),
        ("limited", stats.calls_limited),
        ("failed", stats.calls_failed),
        ("broken", stats.calls_broken),
        ("timed_out", stats.calls_timed_out),
        ("bad_data", stats.calls_bad_data),
        ("shared", stats.calls_shared),
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
    fn every_counter_of_the_vendor_has_one_label() {
        let counters = StatsSnapshot::default().named();
        let labels = calls(&StatsSnapshot::default()).len() + lookups(&StatsSnapshot::default()).len();
        // Also: three reasons not to call, the retries and the evictions.
        assert_eq!(labels + 3 + 2, counters.len(), "{counters:?}");
    }
}
