//! One log line for many refusals: a stranger who sends a thousand bad deliveries a second must not fill a disk.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use jiff::Timestamp;

/// Seconds between two lines about one source.
const PERIOD_S: i64 = 5;

/// Says when a line is due.
#[derive(Debug, Default)]
pub struct Sampled {
    next_at_s: AtomicI64,
    left_out: AtomicU64,
}

impl Sampled {
    /// How many refusals were left out since the line before, when a line is due now.
    pub fn due(&self, now: Timestamp) -> Option<u64> {
        let (now_s, next_s) = (now.as_second(), self.next_at_s.load(Ordering::Relaxed));
        // A clock that was set back must not silence the log for long.
        let is_due = now_s >= next_s || now_s + 2 * PERIOD_S < next_s;
        let taken = is_due
            && self
                .next_at_s
                .compare_exchange(next_s, now_s + PERIOD_S, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if taken {
            return Some(self.left_out.swap(0, Ordering::Relaxed));
        }
        self.left_out.fetch_add(1, Ordering::Relaxed);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_in_five_seconds_says_how_many_were_left_out() {
        let sampled = Sampled::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(sampled.due(at(100)), Some(0));
        assert_eq!((sampled.due(at(101)), sampled.due(at(104))), (None, None));
        assert_eq!(sampled.due(at(105)), Some(2));
        assert_eq!(sampled.due(at(20)), Some(0), "the clock was set back");
    }
}
