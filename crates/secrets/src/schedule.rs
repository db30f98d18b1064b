//! The schedule of reads of a remote secret.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;

use crate::error::Error;
use crate::spec::SecretSpec;

/// A good value is read again after a random share of its TTL between this and all of it.
const TTL_SHARE_MIN: f64 = 0.75;
/// Pauses after failures: each is between half and the whole of 1, 2, 4, … 300 s, because jitter adds up to 100 %.
const BACKOFF: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(500))
    .with_max_delay(Duration::from_secs(150))
    .without_max_times()
    .with_jitter();
/// The longest pause that a source can request.
const RETRY_IN_MAX: Duration = Duration::from_secs(300);
/// A value that will expire is read again after at most this part of the time that is left, so that several reads can renew it.
const TRIES_LEFT: u32 = 8;
/// The longest pause after a value expired: until it is read again, requests fail.
const EXPIRED_PAUSE_MAX: Duration = Duration::from_secs(10);
/// The shortest pause after a failure without a requested pause.
const RETRY_IN_MIN: Duration = Duration::from_secs(1);
/// How long "not found" is trusted without another read.
const NOT_FOUND_TRUSTED: Duration = Duration::from_secs(30);
/// How long "access denied" is trusted without another read.
const ACCESS_DENIED_TRUSTED: Duration = Duration::from_secs(10);
/// How long other results are trusted: a thousand simultaneous login failures cause one read, not a thousand.
const RESULT_TRUSTED: Duration = Duration::from_secs(1);

/// When one secret was read, and when it is due again.
#[derive(Debug)]
pub(crate) struct Schedule {
    due: Instant,
    trusted_until: Instant,
    /// The pauses that remain while reads fail.
    backoff: Option<ExponentialBackoff>,
}

impl Schedule {
    /// Due at once.
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self { due: now, trusted_until: now, backoff: None }
    }

    pub(crate) fn due(&self) -> Instant {
        self.due
    }

    pub(crate) fn is_due(&self) -> bool {
        self.due <= Instant::now()
    }

    /// Whether to read the secret early, in one call with others that are due. After a failure, the pause is kept.
    pub(crate) fn is_due_soon(&self, spec: &SecretSpec) -> bool {
        self.backoff.is_none() && self.due <= Instant::now() + spec.ttl.mul_f64(1.0 - TTL_SHARE_MIN)
    }

    /// Whether the last result is too recent for another read.
    pub(crate) fn is_trusted(&self) -> bool {
        Instant::now() < self.trusted_until
    }

    /// Plans the next read after one with this result, with which the value in use expires in `expires_in`. `share`, in
    /// `[0, 1)`, spreads the reads of several processes in time.
    pub(crate) fn record(
        &mut self,
        result: Result<(), &Error>,
        expires_in: Option<Duration>,
        spec: &SecretSpec,
        share: f64,
    ) {
        let now = Instant::now();
        self.trusted_until = now + result.err().map_or(RESULT_TRUSTED, trusted_for);
        let expires_in = expires_in.filter(|_| result.is_err());
        match result.err().and_then(retry_in).or(expires_in.map(|_| Duration::ZERO)) {
            None => {
                self.backoff = None;
                self.due = now + spec.ttl.mul_f64(TTL_SHARE_MIN + (1.0 - TTL_SHARE_MIN) * share);
            }
            Some(requested) => {
                let pause = self.backoff.get_or_insert_with(|| BACKOFF.build()).next();
                let pause = pause.unwrap_or(RETRY_IN_MAX).max(requested.min(RETRY_IN_MAX));
                self.due = now + pause.min(pause_max(expires_in, share));
            }
        }
    }
}

/// A random number in `[0, 1)`; the middle when the operating system provides none.
pub(crate) fn random_share() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / (f64::from(u32::MAX) + 1.0))
}

/// The longest pause after a failure, by the time for which the last good value is still served. As the pauses of the backoff,
/// it is between half and the whole of a time.
fn pause_max(expires_in: Option<Duration>, share: f64) -> Duration {
    let longest = match expires_in {
        None => return RETRY_IN_MAX,
        Some(Duration::ZERO) => EXPIRED_PAUSE_MAX,
        Some(left) => (left / TRIES_LEFT).clamp(RETRY_IN_MIN, RETRY_IN_MAX),
    };
    longest.mul_f64(f64::midpoint(1.0, share))
}

/// The pause that a transient failure requests. Other failures need a fix first, so that the next read is a regular one unless a
/// value would expire.
fn retry_in(error: &Error) -> Option<Duration> {
    match error {
        Error::Unavailable { retry_in, .. } => Some(*retry_in),
        error if error.is_transient() => Some(RETRY_IN_MIN),
        _ => None,
    }
}

fn trusted_for(error: &Error) -> Duration {
    match error {
        Error::NotFound { .. } => NOT_FOUND_TRUSTED,
        Error::AccessDenied { .. } => ACCESS_DENIED_TRUSTED,
        _ => RESULT_TRUSTED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Outage;
    use crate::origin::Origin;
    use crate::spec::{Class, Format, GRACE_S};

    const SECOND: Duration = Duration::from_secs(1);

    fn spec() -> SecretSpec {
        SecretSpec::new("key".parse().unwrap(), Class::ApiKey, Format::Text, "")
    }

    fn throttled(retry_in: Duration) -> Error {
        let (name, origin) = (spec().name, Origin::Env { variable: "KEY".to_owned() });
        Error::Unavailable { name, origin, outage: Outage::Throttled, retry_in }
    }

    #[tokio::test(start_paused = true)]
    async fn a_good_value_is_due_between_three_quarters_of_its_ttl_and_all_of_it() {
        for (share, expected_s) in [(0.0, 225.0), (0.5, 262.5), (1.0, 300.0)] {
            let mut schedule = Schedule::new();
            schedule.record(Ok(()), None, &spec(), share);
            assert_eq!(schedule.due() - Instant::now(), Duration::from_secs_f64(expected_s));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_double_up_to_five_minutes_and_end_with_the_first_success() {
        let mut schedule = Schedule::new();
        let fail = |schedule: &mut Schedule, longest_s: u32| {
            schedule.record(Err(&throttled(Duration::ZERO)), None, &spec(), 1.0);
            let (pause, longest) = (schedule.due() - Instant::now(), longest_s * SECOND);
            assert!((longest / 2..=longest).contains(&pause), "{pause:?} of {longest:?}");
        };
        for longest_s in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            fail(&mut schedule, longest_s);
        }
        schedule.record(Ok(()), None, &spec(), 0.0);
        fail(&mut schedule, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_at_least_the_requested_one_and_at_most_the_longest() {
        for (asked_s, expected_s) in [(7, 7), (3_600, 300)] {
            let mut schedule = Schedule::new();
            schedule.record(Err(&throttled(asked_s * SECOND)), None, &spec(), 0.0);
            assert_eq!(schedule.due() - Instant::now(), expected_s * SECOND);
        }
    }

    /// How often a value is read before it expires, when every read fails.
    async fn tries(mut schedule: Schedule, error: &Error, window: Duration, share: f64) -> usize {
        let (end, mut tries) = (Instant::now() + window, 0);
        loop {
            let left = end.saturating_duration_since(Instant::now());
            schedule.record(Err(error), Some(left), &spec(), share);
            tokio::time::sleep_until(schedule.due()).await;
            if Instant::now() >= end {
                return tries;
            }
            tries += 1;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn several_reads_fit_in_every_grace_whatever_failed_before() {
        let denied = Error::NotFound { name: spec().name, tried: Vec::new() };
        for share in [0.0, 1.0] {
            for grace_s in [*GRACE_S.start(), 60, 300, *GRACE_S.end()] {
                let mut long_failed = Schedule::new();
                for _ in 0..20 {
                    long_failed.record(Err(&throttled(SECOND)), None, &spec(), share);
                }
                for schedule in [Schedule::new(), long_failed] {
                    let tries = tries(schedule, &denied, Duration::from_secs(grace_s), share).await;
                    assert!((8..200).contains(&tries), "{tries} tries within {grace_s} s");
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_expired_value_is_read_every_few_seconds_and_a_missing_one_once_per_ttl() {
        let not_found = Error::NotFound { name: spec().name, tried: Vec::new() };
        let (mut expired, mut missing) = (Schedule::new(), Schedule::new());
        for _ in 0..20 {
            expired.record(Err(&not_found), Some(Duration::ZERO), &spec(), 0.9);
            missing.record(Err(&not_found), None, &spec(), 0.9);
        }
        assert!(expired.due() - Instant::now() <= EXPIRED_PAUSE_MAX);
        assert!(missing.due() - Instant::now() >= spec().ttl.mul_f64(TTL_SHARE_MIN));
    }

    #[tokio::test(start_paused = true)]
    async fn a_good_value_is_read_early_in_its_last_quarter_and_a_failed_one_keeps_its_pause() {
        let (mut good, mut failed) = (Schedule::new(), Schedule::new());
        good.record(Ok(()), None, &spec(), 1.0);
        failed.record(Err(&throttled(60 * SECOND)), None, &spec(), 1.0);
        assert!(!good.is_due_soon(&spec()));
        tokio::time::advance(59 * SECOND).await;
        assert!(!failed.is_due_soon(&spec()) && !failed.is_due(), "a second before its pause ends");
        tokio::time::advance(SECOND).await;
        assert!(failed.is_due());
        tokio::time::advance(164 * SECOND).await;
        assert!(!good.is_due_soon(&spec()), "224 s after a read with a TTL of 300 s");
        tokio::time::advance(SECOND).await;
        assert!(good.is_due_soon(&spec()) && !good.is_due());
        tokio::time::advance(75 * SECOND).await;
        assert!(good.is_due());
    }

    #[tokio::test(start_paused = true)]
    async fn not_found_is_trusted_for_30_s_and_a_value_for_1_s() {
        let not_found = Error::NotFound { name: spec().name, tried: Vec::new() };
        for (result, expected_s) in [(Err(&not_found), 30), (Ok(()), 1), (Err(&throttled(SECOND)), 1)] {
            let mut schedule = Schedule::new();
            assert!(!schedule.is_trusted());
            schedule.record(result, None, &spec(), 0.5);
            tokio::time::advance(expected_s * SECOND - Duration::from_millis(1)).await;
            assert!(schedule.is_trusted());
            tokio::time::advance(Duration::from_millis(1)).await;
            assert!(!schedule.is_trusted());
        }
    }
}
