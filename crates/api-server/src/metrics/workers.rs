//! When each worker last showed that it is alive.

use prometheus::{IntCounter, IntGauge, IntGaugeVec};

use super::Declare;

/// Workers that there is always one of, or none: their series exist at zero where they do not run.
const WORKERS: [&str; 6] = ["events/1", "business", "marks", "retention", "database", "alpaca_events"];

/// The last beat of each worker, and how often any of them panicked: one that panics over and over never finishes a round,
/// and so does not beat.
#[derive(Debug)]
pub struct Workers {
    beats: IntGaugeVec,
    /// Workers that panicked and began anew.
    pub panics: IntCounter,
}

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

    /// Where the beats of a worker are shown.
    #[must_use]
    pub fn beats(&self, worker: &str) -> IntGauge {
        self.beats.with_label_values(&[worker])
    }
}
