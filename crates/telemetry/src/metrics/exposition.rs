//! The totals of `/metrics/json`, for people and scripts without Prometheus.

use prometheus::core::Collector;
use serde::Serialize;

use super::Metrics;

/// Totals since the start. The histogram counts are cumulative: `<100ms` includes `<10ms`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Responses of every route and status.
    pub request_count: u64,
    /// Responses with a status of 500 or more.
    pub error_count: u64,
    /// Open connections.
    pub active_connections: i64,
    /// Successful responses of `/api/analyze`.
    pub analysis_count: u64,
    /// Orders sent; always 0, because there is no trading yet.
    pub trade_count: u64,
    /// Sum of all response times, in seconds.
    pub latency_seconds_sum: f64,
    /// Responses by their time.
    pub latency_histogram: LatencyHistogram,
}

/// Cumulative counts of responses by their time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LatencyHistogram {
    /// Up to 10 ms.
    #[serde(rename = "<10ms")]
    pub within_10_ms: u64,
    /// Up to 50 ms.
    #[serde(rename = "<50ms")]
    pub within_50_ms: u64,
    /// Up to 100 ms.
    #[serde(rename = "<100ms")]
    pub within_100_ms: u64,
    /// Up to 250 ms.
    #[serde(rename = "<250ms")]
    pub within_250_ms: u64,
    /// Up to 500 ms.
    #[serde(rename = "<500ms")]
    pub within_500_ms: u64,
    /// Up to 1 s.
    #[serde(rename = "<1000ms")]
    pub within_1000_ms: u64,
    /// Longer than 1 s.
    #[serde(rename = ">=1000ms")]
    pub over_1000_ms: u64,
}

impl Metrics {
    /// The totals, for `/metrics/json`.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let children = || self.routes.iter().map(|(_, child)| child);
        let durations = || children().filter_map(super::Child::duration);
        let analyses = self.routes.iter().filter(|(route, _)| route.starts_with("/api/analyze"));
        let mut summary = Summary {
            request_count: children().map(super::Child::requests).sum(),
            error_count: children().map(super::Child::failures).sum(),
            active_connections: self.connections.get(),
            analysis_count: analyses.map(|(_, child)| child.successes()).sum(),
            trade_count: 0,
            latency_seconds_sum: durations().map(prometheus::Histogram::get_sample_sum).sum(),
            latency_histogram: LatencyHistogram::default(),
        };
        for duration in durations() {
            summary.latency_histogram.add(duration);
        }
        summary
    }
}

impl LatencyHistogram {
    fn add(&mut self, duration: &prometheus::Histogram) {
        let families = duration.collect();
        let metrics = families.iter().flat_map(|family| family.get_metric());
        for histogram in metrics.map(prometheus::proto::Metric::get_histogram) {
            let up_to = |bound_s: f64| {
                let within = histogram.get_bucket().iter().filter(|bucket| bucket.upper_bound() <= bound_s);
                within.map(prometheus::proto::Bucket::cumulative_count).max().unwrap_or(0)
            };
            self.within_10_ms += up_to(0.01);
            self.within_50_ms += up_to(0.05);
            self.within_100_ms += up_to(0.1);
            self.within_250_ms += up_to(0.25);
            self.within_500_ms += up_to(0.5);
            self.within_1000_ms += up_to(1.0);
            self.over_1000_ms += histogram.get_sample_count() - up_to(1.0);
        }
    }
}
