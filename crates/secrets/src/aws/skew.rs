//! The difference between our clock and the service's, by the `Date` of its responses.
//!
//! The deadline of a version is a wall-clock time: a process whose clock is wrong by more than the margin of a rotation
//! drops a version too early or keeps it too long.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use aws_sdk_secretsmanager::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_secretsmanager::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_secretsmanager::error::BoxError;
use aws_sdk_secretsmanager::primitives::{DateTime, DateTimeFormat};

use super::labels::time;
use crate::clock::Clock;

/// No response had a date yet.
const UNKNOWN: u64 = u64::MAX;

/// Reads the date of each response. Cheap to clone.
#[derive(Clone)]
pub(super) struct SkewMeter {
    clock: Clock,
    seconds: Arc<AtomicU64>,
}

impl SkewMeter {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, seconds: Arc::new(AtomicU64::new(UNKNOWN)) }
    }

    /// The difference at the last response, to the second.
    pub(super) fn last(&self) -> Option<Duration> {
        let seconds = self.seconds.load(Ordering::Relaxed);
        (seconds != UNKNOWN).then(|| Duration::from_secs(seconds))
    }

    fn record(&self, date: &str) {
        let service_time = DateTime::from_str(date, DateTimeFormat::HttpDate).ok();
        if let Some(service_time) = time(service_time.as_ref()) {
            self.seconds.store(difference((self.clock)(), service_time).as_secs(), Ordering::Relaxed);
        }
    }
}

impl Intercept for SkewMeter {
    fn name(&self) -> &'static str {
        "SkewMeter"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(date) = context.response().headers().get("date") {
            self.record(date);
        }
        Ok(())
    }
}

impl fmt::Debug for SkewMeter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SkewMeter").field("last", &self.last()).finish_non_exhaustive()
    }
}

fn difference(one: SystemTime, other: SystemTime) -> Duration {
    one.duration_since(other).unwrap_or_else(|error| error.duration())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_skew_is_positive_whichever_clock_is_ahead() {
        // 1994-11-06T08:49:37Z, the example of RFC 9110, 5.6.7.
        let at = |offset_s: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777 - 100 + offset_s);
        for (ours, expected_s) in [(at(100), 0), (at(130), 30), (at(0), 100)] {
            let meter = SkewMeter::new(Arc::new(move || ours));
            assert_eq!(meter.last(), None);
            meter.record("not a date");
            assert_eq!(meter.last(), None);
            meter.record("Sun, 06 Nov 1994 08:49:37 GMT");
            assert_eq!(meter.last(), Some(Duration::from_secs(expected_s)));
        }
    }
}
