//! The totals of `/metrics/json`, for people and scripts without Prometheus.

use prometheus::Histogram;
use prometheus::core::Metric as _;
use prometheus::proto::Bucket;
use serde::{Serialize, Serializer};

use super::{Child, Metrics};

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

/// Names and upper bounds of the cumulative counts, in seconds.
const BOUNDS: [(&str, f64); 6] =
    [("<10ms", 0.01), ("<50ms", 0.05), ("<100ms", 0.1), ("<250ms", 0.25), ("<500ms", 0.5), ("<1000ms", 1.0)];
const LONGER: &str = ">=1000ms";

/// Cumulative counts of responses by their time, and those that took longer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LatencyHistogram {
    within: [u64; BOUNDS.len()],
    longer: u64,
}

impl Serialize for LatencyHistogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = BOUNDS.map(|(name, _)| name);
        serializer.collect_map(names.into_iter().zip(self.within).chain([(LONGER, self.longer)]))
    }
}

impl Metrics {
    /// The totals, for `/metrics/json`.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let children = || self.routes.iter().map(|(_, child)| child);
        let durations = || children().filter_map(Child::duration);
        let analyses = self.routes.iter().filter(|(route, _)| route.starts_with("/api/analyze"));
        let mut latency_histogram = LatencyHistogram::default();
        durations().for_each(|duration| latency_histogram.add(duration));
        Summary {
            request_count: children().map(Child::requests).sum(),
            error_count: children().map(Child::failures).sum(),
            active_connections: self.connections.get(),
            analysis_count: analyses.map(|(_, child)| child.successes()).sum(),
            trade_count: 0,
            latency_seconds_sum: durations().map(Histogram::get_sample_sum).sum(),
            latency_histogram,
        }
    }
}

impl LatencyHistogram {
    fn add(&mut self, duration: &Histogram) {
        let metric = duration.metric();
        let histogram = metric.get_histogram();
        let up_to = |bound_s: f64| {
            let bucket = histogram.get_bucket().iter().rfind(|bucket| bucket.upper_bound() <= bound_s);
            bucket.map_or(0, Bucket::cumulative_count)
        };
        for (count, (_, bound_s)) in self.within.iter_mut().zip(BOUNDS) {
            *count += up_to(bound_s);
        }
        self.longer += histogram.get_sample_count() - up_to(1.0);
    }
}
