//! Heartbeats of the background workers.

use prometheus::{IntCounter, IntGauge, IntGaugeVec};

use super::{Families, opts};

/// Workers that run at most once: their series exist at zero in every process.
const WORKERS: [&str; 7] =
    ["events/1", "business", "prices", "retention", "reconciliation", "database", "alpaca_events"];

/// Heartbeats and panics. A worker that keeps panicking never completes a round, so its heartbeat stops.
#[derive(Debug)]
pub struct Workers {
    heartbeats: IntGaugeVec,
    /// Workers that panicked and were restarted.
    pub panics: IntCounter,
}

impl Workers {
    pub(super) fn new(families: &Families) -> Result<Self, prometheus::Error> {
        let help = "Last heartbeat of a worker, in seconds since 1970; 0 if it does not run here";
        let opts = opts("worker_heartbeat_timestamp_seconds", help);
        let heartbeats = families.declare(IntGaugeVec::new(opts, &["worker"]))?;
        for worker in WORKERS {
            heartbeats.with_label_values(&[worker]).set(0);
        }
        let panics = families.counter("worker_panics_total", "Workers that panicked and were restarted")?;
        Ok(Self { heartbeats, panics })
    }

    /// The gauge of a worker's last heartbeat, in seconds since 1970.
    #[must_use]
    pub fn heartbeat(&self, worker: &str) -> IntGauge {
        self.heartbeats.with_label_values(&[worker])
    }
}
