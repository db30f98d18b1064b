//! Which failures another try may cure, and after what pause.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::CallError;
use crate::Outage;

/// First pause; each further one is twice as long.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// Longest wait that the vendor may ask for and that we sit out; a longer one is the caller's to wait.
const LIMITED_PAUSE_MAX: Duration = Duration::from_secs(1);
/// Taken for the vendor's wait when it names none: plans count over a minute.
const LIMITED_WAIT_DEFAULT: Duration = Duration::from_secs(15);
/// Longest wait that the vendor's word is believed for.
const LIMITED_WAIT_MAX: Duration = Duration::from_secs(3_600);

/// The pause before another try, after `tries` that failed; `None` when another would not help.
pub(super) fn pause<T>(outcome: &Result<T, CallError>, tries: u32, retries_max: u32) -> Option<Duration> {
    if tries >= retries_max {
        return None;
    }
    match outcome {
        Err(CallError::Limited(wait)) if *wait <= LIMITED_PAUSE_MAX => Some(*wait),
        Err(CallError::Outage(Outage::Connect | Outage::Timeout | Outage::Broken)) => Some(backoff(tries)),
        Err(CallError::Outage(Outage::Status(500..))) => Some(backoff(tries)),
        Err(
            CallError::Limited(_)
            | CallError::Outage(Outage::Status(_) | Outage::Busy | Outage::Internal)
            | CallError::NotFound
            | CallError::OutOfQuota(_)
            | CallError::Denied(_)
            | CallError::Bad(_),
        )
        | Ok(_) => None,
    }
}

/// Half of the doubled pause, and a random part of the other half, so that many do not return together.
fn backoff(tries: u32) -> Duration {
    let longest = PAUSE_FIRST * 2_u32.saturating_pow(tries.min(8));
    // A fresh hasher's seed is random: enough for a jitter, without a generator.
    let share = RandomState::new().hash_one(tries) as u32;
    longest / 2 + (longest / 2).mul_f64(f64::from(share) / f64::from(u32::MAX))
}

/// The wait that a 429 asks for, in seconds; other forms of the header count as none.
pub(super) fn after(headers: &HeaderMap) -> Duration {
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    seconds.map_or(LIMITED_WAIT_DEFAULT, Duration::from_secs).min(LIMITED_WAIT_MAX)
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;
    use crate::{Denial, Fault};

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let paused = |error| pause::<()>(&Err(error), 0, 2).is_some();
        for kind in
            [Outage::Connect, Outage::Timeout, Outage::Broken, Outage::Status(500), Outage::Status(503)]
        {
            assert!(paused(CallError::Outage(kind)), "{kind:?}");
        }
        for error in [
            CallError::Outage(Outage::Status(400)),
            CallError::Outage(Outage::Busy),
            CallError::NotFound,
            CallError::Denied(Denial::KeyRefused),
            CallError::OutOfQuota(Duration::from_millis(1)),
            CallError::Limited(Duration::from_secs(2)),
            CallError::Bad(Fault::NotAsDocumented),
        ] {
            assert!(!paused(error.clone()), "{error:?}");
        }
        assert!(paused(CallError::Limited(Duration::from_secs(1))));
        assert_eq!(pause::<()>(&Err(CallError::Outage(Outage::Connect)), 2, 2), None, "a bound on tries");
    }

    #[test]
    fn pauses_double_and_differ() {
        for (tries, longest_ms) in [(0, 100), (1, 200), (2, 400)] {
            let longest = Duration::from_millis(longest_ms);
            let pauses: Vec<_> = (0..50).map(|_| backoff(tries)).collect();
            assert!(pauses.iter().all(|pause| (longest / 2..=longest).contains(pause)));
            assert!(pauses.iter().any(|pause| *pause != pauses[0]));
        }
    }

    #[test]
    fn the_vendors_wait_is_read_and_bounded() {
        let wait = |text| after(&HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]));
        assert_eq!(wait("3"), Duration::from_secs(3));
        assert_eq!(wait("999999999"), LIMITED_WAIT_MAX);
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), LIMITED_WAIT_DEFAULT);
        assert_eq!(after(&HeaderMap::new()), LIMITED_WAIT_DEFAULT);
    }
}
