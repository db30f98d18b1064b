//! When each worker last showed that it is alive.

use jiff::Timestamp;
use prometheus::{IntCounter, IntGauge, IntGaugeVec};

use super::Declare;

/// Every worker by its name.
pub(super) const WORKERS: [&str; 6] =
    ["events", "business", "marks", "retention", "database", "alpaca_events"];

/// The last beat of each worker, and how often any of them panicked: one that panics over and over beats each time it
/// begins anew.
#[derive(Debug)]
pub struct Workers {
    beats: IntGaugeVec,
    /// Workers that panicked and began anew.
    pub panics: IntCounter,
}

/// The heart of one worker.
#[derive(Clone, Debug)]
pub struct Heart(IntGauge);

impl Workers {
    pub(super) fn new(declare: &Declare<'_>) -> Result<Self, prometheus::Error> {
        let opts = Declare::opts(
            "worker_heartbeat_timestamp_seconds",
            "When a worker last showed that it is alive, in seconds since 1970; 0 when it does not run here",
        );
        let family = declare.register(IntGaugeVec::new(opts, &["worker"]))?;
        for worker in WORKERS {
            family.with_label_values(&[worker]).set(0);
        }
        let panics = declare.counter("worker_panics_total", "Workers that panicked and began anew")?;
        Ok(Self { beats: family, panics })
    }

    /// The heart of the worker of this name, one of [`WORKERS`].
    #[must_use]
    pub fn heart(&self, worker: &str) -> Heart {
        Heart(self.beats.with_label_values(&[worker]))
    }
}

impl Heart {
    /// Beats.
    pub fn beat(&self, now: Timestamp) {
        self.0.set(now.as_second());
    }
}
