//! Stops sending commands to a Redis that does not answer, so that no request waits for it.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use telemetry::metrics::Metrics;

use crate::error::Error;

/// Failures in a row after which no command is sent until a check succeeds.
const FAILURES_MAX: u32 = 3;

#[derive(Debug)]
pub(crate) struct Breaker {
    is_open: AtomicBool,
    failures: AtomicU32,
    /// The cause that was logged last, while Redis does not answer.
    logged: Mutex<Option<&'static str>>,
    metrics: Arc<Metrics>,
}

impl Breaker {
    /// Open: nothing is sent before the first check.
    pub(crate) fn new(metrics: Arc<Metrics>) -> Self {
        metrics.coordination.set_up(false);
        metrics.coordination.set_breaker_open(true);
        Self {
            is_open: AtomicBool::new(true),
            failures: AtomicU32::new(0),
            logged: Mutex::default(),
            metrics,
        }
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
        }
        if self.note_cause(error) {
            let error = telemetry::with_causes(error);
            tracing::warn!(error, "Redis does not answer: each replica allows its share of rate limits");
        }
    }

    /// Whether the cause is another one than was logged last. That no connection is open only follows from a cause.
    fn note_cause(&self, error: &Error) -> bool {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = match error {
            Error::NoConnection | Error::Away => logged.is_none(),
            Error::Timeout | Error::Redis(_) => *logged != Some(error.cause()),
        };
        if is_new {
            *logged = Some(error.cause());
        }
        is_new
    }

    /// Notes that a check succeeded.
    pub(crate) fn close(&self) {
        self.metrics.coordination.set_up(true);
        self.failures.store(0, Ordering::Relaxed);
        *self.logged.lock().unwrap_or_else(PoisonError::into_inner) = None;
        if self.is_open.swap(false, Ordering::Relaxed) {
            self.metrics.coordination.set_breaker_open(false);
            tracing::info!("Redis answers: replicas share rate limits");
        }
    }
}

#[cfg(test)]
mod tests {
    use redis::{ErrorKind, RedisError};
    use telemetry::metrics::Labels;

    use super::*;

    #[test]
    fn the_first_failure_and_each_other_cause_are_new() {
        let breaker = Breaker::new(Arc::new(Metrics::new(Labels::default()).unwrap()));
        let redis = |kind| Error::Redis(RedisError::from((kind, "failed")));
        let (refused, login) = (|| redis(ErrorKind::Io), || redis(ErrorKind::AuthenticationFailed));
        let errors = [refused(), refused(), login(), Error::NoConnection, login(), Error::Timeout, refused()];
        let are_new = errors.each_ref().map(|error| breaker.note_cause(error));
        assert_eq!(are_new, [true, false, true, false, false, true, true]);
        breaker.close();
        assert!(breaker.note_cause(&refused()), "after Redis was back");
    }
}
