//! Stops sending commands to a Redis that does not answer, so that no request waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use telemetry::metrics::Metrics;

use crate::error::Error;

/// Failures in a row after which no command is sent until a check succeeds.
const FAILURES_MAX: u32 = 3;

#[derive(Debug)]
pub(crate) struct Breaker {
    is_open: AtomicBool,
    failures: AtomicU32,
    metrics: Arc<Metrics>,
}

impl Breaker {
    /// Open: nothing is sent before the first check.
    pub(crate) fn new(metrics: Arc<Metrics>) -> Self {
        metrics.coordination.set_up(false);
        metrics.coordination.set_breaker_open(true);
        Self { is_open: AtomicBool::new(true), failures: AtomicU32::new(0), metrics }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    pub(crate) fn note_success(&self) {
        if self.failures.load(Ordering::Relaxed) > 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    pub(crate) fn note_failure(&self, error: &Error) {
        if self.failures.fetch_add(1, Ordering::Relaxed) + 1 >= FAILURES_MAX {
            self.open(error);
        }
    }

    /// Notes that a check failed.
    pub(crate) fn open(&self, error: &Error) {
        self.metrics.coordination.set_up(false);
        if !self.is_open.swap(true, Ordering::Relaxed) {
            self.metrics.coordination.set_breaker_open(true);
            let error = telemetry::with_causes(error);
            tracing::warn!(error, "Redis does not answer: each replica allows its share of rate limits");
        }
    }

    /// Notes that a check succeeded.
    pub(crate) fn close(&self) {
        self.metrics.coordination.set_up(true);
        self.failures.store(0, Ordering::Relaxed);
        if self.is_open.swap(false, Ordering::Relaxed) {
            self.metrics.coordination.set_breaker_open(false);
            tracing::info!("Redis answers: replicas share rate limits");
        }
    }
}
