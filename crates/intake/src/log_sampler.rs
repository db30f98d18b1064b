//! Samples errors for the log: a sender of a thousand invalid deliveries a second must not fill a disk.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use jiff::Timestamp;

/// Seconds between two lines.
const PERIOD_S: i64 = 5;

/// Decides which errors are logged.
#[derive(Debug, Default)]
pub(crate) struct LogSampler {
    next_at_s: AtomicI64,
    suppressed: AtomicU64,
}

impl LogSampler {
    /// When a line is due: the number of errors since the last line.
    pub(crate) fn due(&self, now: Timestamp) -> Option<u64> {
        let (now_s, next_s) = (now.as_second(), self.next_at_s.load(Ordering::Relaxed));
        // After the clock was set back, the log continues soon.
        let is_due = now_s >= next_s || now_s + 2 * PERIOD_S < next_s;
        let is_first = is_due
            && self
                .next_at_s
                .compare_exchange(next_s, now_s + PERIOD_S, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if is_first {
            return Some(self.suppressed.swap(0, Ordering::Relaxed));
        }
        self.suppressed.fetch_add(1, Ordering::Relaxed);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_in_five_seconds_says_how_many_were_suppressed() {
        let sampler = LogSampler::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(sampler.due(at(100)), Some(0));
        assert_eq!((sampler.due(at(101)), sampler.due(at(104))), (None, None));
        assert_eq!(sampler.due(at(105)), Some(2));
        assert_eq!(sampler.due(at(20)), Some(0), "the clock was set back");
    }
}
