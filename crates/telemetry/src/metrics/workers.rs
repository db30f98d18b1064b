//! Heartbeats of the background workers.

use prometheus::{IntCounter, IntGauge, IntGaugeVec};

use super::Declare;

/// Workers of which there is at most one: their series exist at zero where they do not run.
const WORKERS: [&str; 6] = ["events/1", "business", "prices", "retention", "database", "alpaca_events"];

/// The last heartbeat of each worker, and how often any of them panicked. A worker that keeps panicking never finishes a
/// round, and so has no heartbeat.
#[derive(Debug)]
pub struct Workers {
    heartbeats: IntGaugeVec,
    /// Workers that panicked and were restarted.
    pub panics: IntCounter,
}

impl Workers {
    pub(super) fn new(declare: &Declare<'_>) -> Result<Self, prometheus::Error> {
        let opts = Declare::opts(
            "worker_heartbeat_timestamp_seconds",
            "Last heartbeat of a worker, in seconds since 1970; 0 if it does not run here",
        );
        let family = declare.register(IntGaugeVec::new(opts, &["worker"]))?;
        for worker in WORKERS {
            family.with_label_values(&[worker]).set(0);
        }
        let panics = declare.counter("worker_panics_total", "Workers that panicked and were restarted")?;
        Ok(Self { heartbeats: family, panics })
    }

    /// The gauge of a worker's last heartbeat, in seconds since 1970.
    #[must_use]
    pub fn heartbeat(&self, worker: &str) -> IntGauge {
        self.heartbeats.with_label_values(&[worker])
    }
}
