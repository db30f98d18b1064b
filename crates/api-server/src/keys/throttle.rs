//! Slows down whoever presents wrong keys.
//!
//! The first failures of a minute are answered at once. After that each further one closes a door for a while, twice
//! as long each time, and while it is closed wrong keys are answered with 429. Valid keys never come here. The table
//! has a fixed size; the longest idle entry of a set gives way.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Sets of four entries: 16,384 in about 512 KiB.
const SETS: usize = 4096;
/// Entries of a set.
const WAYS: usize = 4;
/// The window in which failures are counted.
const WINDOW: Duration = Duration::from_secs(60);
/// The first wait.
const WAIT_MIN: Duration = Duration::from_secs(2);
/// The longest wait.
const WAIT_MAX: Duration = Duration::from_secs(15 * 60);

/// Failures by subject: a client's address, or the id of the key that it guesses at.
#[derive(Debug)]
pub struct Throttle {
    failures_per_minute: u32,
    started: Instant,
    sets: Box<[Mutex<[Entry; WAYS]>]>,
}

/// One subject. All zero is a subject that never failed.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    subject: u64,
    /// Failures, each forgotten after its share of the window.
    failures: f64,
    /// Waits that were imposed, forgotten when the failures are.
    waits: u32,
    updated: Duration,
    closed_until: Duration,
}

impl Throttle {
    /// So many failures a minute are answered at once.
    #[must_use]
    pub fn new(failures_per_minute: u32) -> Self {
        let sets = (0..SETS).map(|_| Mutex::default()).collect();
        Self { failures_per_minute: failures_per_minute.max(1), started: Instant::now(), sets }
    }

    /// Notes one more failure for each subject. How long the client has to wait, when the door is closed for one.
    pub fn note_failure(&self, subjects: impl Iterator<Item = u64>) -> Option<Duration> {
        self.note_failure_at(subjects, self.started.elapsed())
    }

    fn note_failure_at(&self, subjects: impl Iterator<Item = u64>, now: Duration) -> Option<Duration> {
        subjects.filter_map(|subject| self.note(subject, now)).max()
    }

    fn note(&self, subject: u64, now: Duration) -> Option<Duration> {
        let set = usize::try_from(subject).unwrap_or(usize::MAX) % SETS;
        let mut entries = self.sets[set].lock().unwrap_or_else(PoisonError::into_inner);
        let known = entries.iter().position(|entry| entry.subject == subject);
        let place = known.unwrap_or_else(|| idlest(&entries));
        if known.is_none() {
            entries[place] = Entry { subject, updated: now, ..Entry::default() };
        }
        entries[place].fail(now, f64::from(self.failures_per_minute))
    }
}

impl Entry {
    fn fail(&mut self, now: Duration, per_minute: f64) -> Option<Duration> {
        if now < self.closed_until {
            return Some(self.closed_until - now);
        }
        let forgotten = now.saturating_sub(self.updated).as_secs_f64() / WINDOW.as_secs_f64() * per_minute;
        self.updated = now;
        self.failures = (self.failures - forgotten).max(0.0);
        if self.failures == 0.0 {
            self.waits = 0;
        }
        self.failures += 1.0;
        // This failure is still answered; the door closes behind it.
        if self.failures > per_minute - 0.5 {
            let wait = WAIT_MIN.saturating_mul(1 << self.waits.min(16)).min(WAIT_MAX);
            self.closed_until = now + wait;
            self.waits = self.waits.saturating_add(1);
        }
        None
    }
}

/// The entry that was idle longest and is not closed, if there is one.
fn idlest(entries: &[Entry; WAYS]) -> usize {
    let by_use = |(_, entry): &(usize, &Entry)| (entry.closed_until, entry.updated);
    entries.iter().enumerate().min_by_key(by_use).map_or(0, |(place, _)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn waits_double_hold_as_told_and_are_forgotten() {
        let throttle = Throttle::new(10);
        let fail = |at: Duration| throttle.note_failure_at([7].into_iter(), at);
        for _ in 0..10 {
            assert_eq!(fail(seconds(0)), None);
        }
        assert_eq!(fail(seconds(1)), Some(seconds(1)));
        assert_eq!(fail(seconds(2)), None, "the wait was as long as told");
        assert_eq!(fail(seconds(2)), Some(seconds(4)), "and the next is twice as long");
        assert_eq!(fail(seconds(6)), None);
        assert_eq!(fail(seconds(7)), Some(seconds(7)));
        assert_eq!(throttle.note_failure_at([8].into_iter(), seconds(7)), None, "others do not wait");
        assert_eq!(fail(seconds(300)), None);
        assert_eq!(fail(seconds(300)), None, "all is forgotten");
    }

    #[test]
    fn a_wait_has_a_bound_and_so_has_the_table() {
        let throttle = Throttle::new(1);
        let mut now = Duration::ZERO;
        for _ in 0..40 {
            let waited = throttle.note_failure_at([7].into_iter(), now).unwrap_or_default();
            assert!(waited <= WAIT_MAX);
            now += waited;
        }
        for subject in 100..1_000_000 {
            let _other = throttle.note_failure_at([subject].into_iter(), now);
        }
        assert_eq!(throttle.sets.len() * WAYS, 16_384);
    }
}
