//! When work that failed is tried again, and when it is given up.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use jiff::{SignedDuration, Timestamp};

use crate::ids::WorkId;

/// How often work is leased before it is given up.
pub const ATTEMPTS_MAX: u32 = 8;
/// Pause after the first failure; each further one is twice as long.
const PAUSE_MIN_MS: i64 = 1_000;
/// Longest pause: five minutes.
const PAUSE_MAX_MS: i64 = 300_000;
/// A pause is longer by up to this part of it, so that what failed together is not tried again together.
const SPREAD_PERCENT: i64 = 20;

/// When to try again after the failure of this attempt; `None` when it was the last.
pub(super) fn next(work: WorkId, attempt: u32, now: Timestamp) -> Option<Timestamp> {
    if attempt >= ATTEMPTS_MAX {
        return None;
    }
    let pause_ms = (PAUSE_MIN_MS << attempt.saturating_sub(1).min(20)).min(PAUSE_MAX_MS);
    let spread_ms = pause_ms * SPREAD_PERCENT / 100 * part_percent(work, attempt) / 100;
    Some(now.saturating_add(SignedDuration::from_millis(pause_ms + spread_ms)).unwrap_or(Timestamp::MAX))
}

/// 0 to 100, the same for the same attempt.
fn part_percent(work: WorkId, attempt: u32) -> i64 {
    let mut hasher = DefaultHasher::new();
    (work, attempt).hash(&mut hasher);
    (hasher.finish() % 101).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_end() {
        let now = Timestamp::UNIX_EPOCH;
        for (attempt, from_ms) in [(1, 1_000), (2, 2_000), (3, 4_000), (7, 64_000)] {
            let pause_ms = next(WorkId::new(7), attempt, now).unwrap().as_millisecond();
            assert!((from_ms..=from_ms * 6 / 5).contains(&pause_ms), "{attempt}: {pause_ms}");
        }
        assert_eq!(next(WorkId::new(7), ATTEMPTS_MAX, now), None);
    }

    #[test]
    fn work_that_failed_together_is_spread() {
        let at = |work| next(WorkId::new(work), 5, Timestamp::UNIX_EPOCH).unwrap();
        let distinct: std::collections::BTreeSet<_> = (1..=100).map(at).collect();
        assert!(distinct.len() > 40, "{}", distinct.len());
    }
}
