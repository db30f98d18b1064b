//! The retry policy of failed jobs.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use jiff::{SignedDuration, Timestamp};

use crate::ids::JobId;

/// Number of attempts after which a job is given up.
pub const ATTEMPTS_MAX: u32 = 8;
/// Delay after the first failure; each further delay is twice as long.
const DELAY_MIN_MS: i64 = 1_000;
const DELAY_MAX_MS: i64 = 300_000;
/// Jitter as a part of the delay, so that jobs that failed together are not retried together.
const JITTER_PERCENT: i64 = 20;

/// The time of the retry after a failed attempt; `None` after the last attempt.
pub(super) fn next_at(job: JobId, attempt: u32, now: Timestamp) -> Option<Timestamp> {
    if attempt >= ATTEMPTS_MAX {
        return None;
    }
    let delay_ms = (DELAY_MIN_MS << attempt.saturating_sub(1).min(20)).min(DELAY_MAX_MS);
    let jitter_ms = delay_ms * JITTER_PERCENT / 100 * percent(job, attempt) / 100;
    Some(now.saturating_add(SignedDuration::from_millis(delay_ms + jitter_ms)).unwrap_or(Timestamp::MAX))
}

/// 0 to 100, the same for the same attempt.
fn percent(job: JobId, attempt: u32) -> i64 {
    let mut hasher = DefaultHasher::new();
    (job, attempt).hash(&mut hasher);
    (hasher.finish() % 101).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_and_end() {
        let now = Timestamp::UNIX_EPOCH;
        for (attempt, from_ms) in [(1, 1_000), (2, 2_000), (3, 4_000), (7, 64_000)] {
            let delay_ms = next_at(JobId::new(7), attempt, now).unwrap().as_millisecond();
            assert!((from_ms..=from_ms * 6 / 5).contains(&delay_ms), "{attempt}: {delay_ms}");
        }
        assert_eq!(next_at(JobId::new(7), ATTEMPTS_MAX, now), None);
    }

    #[test]
    fn jobs_that_failed_together_are_spread() {
        let at = |job| next_at(JobId::new(job), 5, Timestamp::UNIX_EPOCH).unwrap();
        let distinct: std::collections::BTreeSet<_> = (1..=100).map(at).collect();
        assert!(distinct.len() > 40, "{}", distinct.len());
    }
}
