//! The retry policy: which failures are retried, and after what pause.

use std::time::Duration;

use backon::ExponentialBuilder;
use reqwest::header::HeaderMap;

use super::CallError;
use crate::Outage;

/// Pauses between retries; the timeout of the whole call ends them earlier.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(25);
/// Longest wait of a 429 that a call waits itself; the caller handles longer ones.
const RATE_LIMIT_PAUSE_MAX: Duration = Duration::from_secs(1);
/// Wait of a 429 without `Retry-After`: plans count over a minute.
const RATE_LIMIT_WAIT_DEFAULT: Duration = Duration::from_secs(15);
/// Longest `Retry-After` that is honoured.
const RATE_LIMIT_WAIT_MAX: Duration = Duration::from_secs(3_600);

pub(super) fn policy(retries_max: u32) -> ExponentialBuilder {
    outbound::backoff(PAUSE_FIRST, PAUSE_MAX).with_max_times(retries_max as usize)
}

/// The pause before a retry, given the pause of the policy; `None` when a retry would not help.
pub(super) fn pause(error: &CallError, backoff: Option<Duration>) -> Option<Duration> {
    match error {
        CallError::RateLimited(wait) => backoff.map(|_| *wait).filter(|wait| *wait <= RATE_LIMIT_PAUSE_MAX),
        CallError::Outage(Outage::Connect | Outage::Timeout | Outage::Broken | Outage::Status(500..)) => {
            backoff
        }
        CallError::Outage(Outage::Status(_) | Outage::Busy | Outage::Internal)
        | CallError::NotFound
        | CallError::OutOfQuota(_)
        | CallError::Denied(_)
        | CallError::Bad(_) => None,
    }
}

/// The wait that a 429 requests.
pub(super) fn requested_wait(headers: &HeaderMap) -> Duration {
    outbound::retry_after(headers).unwrap_or(RATE_LIMIT_WAIT_DEFAULT).min(RATE_LIMIT_WAIT_MAX)
}

#[cfg(test)]
mod tests {
    use backon::BackoffBuilder;
    use reqwest::header::{HeaderValue, RETRY_AFTER};

    use super::*;
    use crate::{Denial, Fault};

    #[test]
    fn only_temporary_failures_are_retried() {
        let is_retried = |error| pause(&error, Some(Duration::ZERO)).is_some();
        for kind in
            [Outage::Connect, Outage::Timeout, Outage::Broken, Outage::Status(500), Outage::Status(503)]
        {
            assert!(is_retried(CallError::Outage(kind)), "{kind:?}");
        }
        for error in [
            CallError::Outage(Outage::Status(400)),
            CallError::Outage(Outage::Busy),
            CallError::NotFound,
            CallError::Denied(Denial::KeyRefused),
            CallError::OutOfQuota(Duration::from_millis(1)),
            CallError::RateLimited(Duration::from_secs(2)),
            CallError::Bad(Fault::NotAsDocumented),
        ] {
            assert!(!is_retried(error.clone()), "{error:?}");
        }
        assert!(is_retried(CallError::RateLimited(Duration::from_secs(1))));
        assert_eq!(pause(&CallError::Outage(Outage::Connect), None), None, "a bound on retries");
        assert_eq!(pause(&CallError::RateLimited(Duration::from_secs(1)), None), None, "a bound on retries");
    }

    #[test]
    fn pauses_double_and_end() {
        let mut pauses = policy(3).build();
        for longest_ms in [100, 200, 400] {
            let longest = Duration::from_millis(longest_ms);
            let pause = pauses.next().unwrap();
            assert!((longest / 2..=longest).contains(&pause), "{pause:?} of {longest:?}");
        }
        assert_eq!(pauses.next(), None);
    }

    #[test]
    fn retry_after_is_parsed_and_bounded() {
        let wait =
            |text| requested_wait(&HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]));
        assert_eq!(wait("3"), Duration::from_secs(3));
        assert_eq!(wait("999999999"), RATE_LIMIT_WAIT_MAX);
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), RATE_LIMIT_WAIT_DEFAULT);
        assert_eq!(requested_wait(&HeaderMap::new()), RATE_LIMIT_WAIT_DEFAULT);
    }
}
