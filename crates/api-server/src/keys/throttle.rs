//! Slows down clients that guess API keys.
//!
//! The first failures of a minute get a 401. After that, each failure blocks its subject for a while, twice as long each
//! time, and a blocked subject gets a 429 for every invalid key. Valid keys are never throttled. The table has a fixed size and
//! evicts the entry that was idle longest.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Sets of [`WAYS`] entries: 16,384 entries in about 512 KiB.
const SETS: usize = 4096;
const WAYS: usize = 4;
/// The window in which failures are counted.
const WINDOW: Duration = Duration::from_secs(60);
const WAIT_MIN: Duration = Duration::from_secs(2);
const WAIT_MAX: Duration = Duration::from_secs(15 * 60);

/// Failures by subject: a client's address, or the id of the key that it guesses.
#[derive(Debug)]
pub(crate) struct Throttle {
    failures_per_minute: u32,
    started: Instant,
    sets: Box<[Mutex<[Entry; WAYS]>]>,
}

/// The failures of one subject. All zero is a subject that never failed.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    subject: u64,
    /// Decays by the allowed failures per minute.
    failures: f64,
    /// Waits so far; reset when all failures have decayed.
    waits: u32,
    updated: Duration,
    blocked_until: Duration,
}

impl Throttle {
    /// Allows at least one failure per minute.
    pub(crate) fn new(failures_per_minute: u32) -> Self {
        let sets = (0..SETS).map(|_| Mutex::default()).collect();
        Self { failures_per_minute: failures_per_minute.max(1), started: Instant::now(), sets }
    }

    /// Records a failure of each subject. Returns the wait if one of them is blocked.
    pub(crate) fn record_failure(&self, subjects: impl Iterator<Item = u64>) -> Option<Duration> {
        self.record_failure_at(subjects, self.started.elapsed())
    }

    fn record_failure_at(&self, subjects: impl Iterator<Item = u64>, now: Duration) -> Option<Duration> {
        subjects.filter_map(|subject| self.record(subject, now)).max()
    }

    fn record(&self, subject: u64, now: Duration) -> Option<Duration> {
        let set = usize::try_from(subject).unwrap_or(usize::MAX) % SETS;
        let mut entries = self.sets[set].lock().unwrap_or_else(PoisonError::into_inner);
        let existing = entries.iter().position(|entry| entry.subject == subject);
        let index = existing.unwrap_or_else(|| least_recent(&entries));
        if existing.is_none() {
            entries[index] = Entry { subject, updated: now, ..Entry::default() };
        }
        entries[index].fail(now, f64::from(self.failures_per_minute))
    }
}

impl Entry {
    fn fail(&mut self, now: Duration, per_minute: f64) -> Option<Duration> {
        if now < self.blocked_until {
            return Some(self.blocked_until - now);
        }
        let decayed = now.saturating_sub(self.updated).as_secs_f64() / WINDOW.as_secs_f64() * per_minute;
        self.updated = now;
        self.failures = (self.failures - decayed).max(0.0);
        if self.failures == 0.0 {
            self.waits = 0;
        }
        self.failures += 1.0;
        // This failure is not blocked itself, but the next ones are.
        if self.failures > per_minute - 0.5 {
            let wait = WAIT_MIN.saturating_mul(1 << self.waits.min(16)).min(WAIT_MAX);
            self.blocked_until = now + wait;
            self.waits = self.waits.saturating_add(1);
        }
        None
    }
}

/// The entry that was idle longest, and one that is not blocked if there is any.
fn least_recent(entries: &[Entry; WAYS]) -> usize {
    let by_use = |(_, entry): &(usize, &Entry)| (entry.blocked_until, entry.updated);
    entries.iter().enumerate().min_by_key(by_use).map_or(0, |(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn waits_double_and_are_reset_when_failures_decay() {
        let throttle = Throttle::new(10);
        let fail = |at: Duration| throttle.record_failure_at([7].into_iter(), at);
        for _ in 0..10 {
            assert_eq!(fail(seconds(0)), None);
        }
        assert_eq!(fail(seconds(1)), Some(seconds(1)));
        assert_eq!(fail(seconds(2)), None, "the wait is over");
        assert_eq!(fail(seconds(2)), Some(seconds(4)), "the next wait is twice as long");
        assert_eq!(fail(seconds(6)), None);
        assert_eq!(fail(seconds(7)), Some(seconds(7)));
        assert_eq!(
            throttle.record_failure_at([8].into_iter(), seconds(7)),
            None,
            "other subjects do not wait"
        );
        assert_eq!(fail(seconds(300)), None);
        assert_eq!(fail(seconds(300)), None, "every failure has decayed");
    }

    #[test]
    fn waits_and_the_table_are_bounded() {
        let throttle = Throttle::new(1);
        let mut now = Duration::ZERO;
        for _ in 0..40 {
            let wait = throttle.record_failure_at([7].into_iter(), now).unwrap_or_default();
            assert!(wait <= WAIT_MAX);
            now += wait;
        }
        for subject in 100..1_000_000 {
            let _other = throttle.record_failure_at([subject].into_iter(), now);
        }
        assert_eq!(throttle.sets.len() * WAYS, 16_384);
    }
}
