//! When a secret that costs a call is looked for again.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::Error;
use crate::spec::SecretSpec;

/// A number in `[0, 1)`. Injected, so that a test can choose it.
pub type Jitter = Arc<dyn Fn() -> f64 + Send + Sync>;

/// A good value is looked for again after a share of its TTL between this and all of it.
const TTL_SHARE_MIN: f64 = 0.75;
/// First and longest pause after a failure; each failure doubles it, and chance shortens it to anything above zero.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(300);
/// Doubling more often than this passes the longest pause anyway.
const DOUBLINGS_MAX: u32 = 9;
/// For so long "not found" is believed without asking again.
const NOT_FOUND_BELIEVED: Duration = Duration::from_secs(30);
/// For so long a refusal is believed without asking again.
const REFUSAL_BELIEVED: Duration = Duration::from_secs(10);
/// For so long anything else is: a thousand logins that fail together are one reason to look, not a thousand.
const BELIEVED: Duration = Duration::from_secs(1);

/// When one secret was looked for, and when it will be.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    due: Instant,
    believed_until: Instant,
    failures: u32,
}

impl Schedule {
    /// Due at once.
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self { due: now, believed_until: now, failures: 0 }
    }

    pub(crate) fn due(&self) -> Instant {
        self.due
    }

    /// Whether it is time to look.
    pub(crate) fn is_due(&self) -> bool {
        self.due <= Instant::now()
    }

    /// Whether to look though it is not yet time, because others are looked for anyway: one call for all of them
    /// instead of one for each. What failed keeps its pause.
    pub(crate) fn is_due_soon(&self, spec: &SecretSpec) -> bool {
        self.failures == 0 && self.due <= Instant::now() + spec.ttl.mul_f64(1.0 - TTL_SHARE_MIN)
    }

    /// Whether the last answer is too recent to ask again.
    pub(crate) fn is_believed(&self) -> bool {
        Instant::now() < self.believed_until
    }

    /// Plans the next look after one that brought `looked`.
    pub(crate) fn looked(&mut self, looked: Result<(), &Error>, spec: &SecretSpec, jitter: &Jitter) {
        let now = Instant::now();
        let share = TTL_SHARE_MIN + (1.0 - TTL_SHARE_MIN) * jitter();
        let regular = now + spec.ttl.mul_f64(share);
        self.believed_until = now + looked.err().map_or(BELIEVED, believed);
        match looked.err().and_then(pause_of) {
            None => (self.due, self.failures) = (regular, 0),
            Some(retry_in) => {
                let longest = PAUSE_MIN * 2_u32.pow(self.failures.min(DOUBLINGS_MAX));
                let pause = longest.min(PAUSE_MAX).mul_f64(jitter()).max(retry_in.min(PAUSE_MAX));
                (self.due, self.failures) = (now + pause, self.failures.saturating_add(1));
            }
        }
    }
}

/// The pause that a transient failure asks for. Any other is looked at again in the regular turn: somebody has to put
/// it right first.
fn pause_of(error: &Error) -> Option<Duration> {
    match error {
        Error::Unavailable { retry_in, .. } => Some(*retry_in),
        error if error.is_transient() => Some(PAUSE_MIN),
        _ => None,
    }
}

fn believed(error: &Error) -> Duration {
    match error {
        Error::NotFound { .. } => NOT_FOUND_BELIEVED,
        Error::AccessDenied { .. } => REFUSAL_BELIEVED,
        _ => BELIEVED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Outage;
    use crate::origin::Origin;
    use crate::spec::{Class, Format};

    const SECOND: Duration = Duration::from_secs(1);

    fn spec() -> SecretSpec {
        SecretSpec::new("key".parse().unwrap(), Class::ApiKey, Format::Text, "")
    }

    fn throttled(retry_in: Duration) -> Error {
        let (name, origin) = (spec().name, Origin::Generated);
        Error::Unavailable { name, origin, outage: Outage::Throttled, retry_in }
    }

    fn fixed(share: f64) -> Jitter {
        Arc::new(move || share)
    }

    #[tokio::test(start_paused = true)]
    async fn a_good_value_is_due_between_three_quarters_of_its_ttl_and_all_of_it() {
        for (share, expected_s) in [(0.0, 225.0), (0.5, 262.5), (1.0, 300.0)] {
            let mut schedule = Schedule::new();
            schedule.looked(Ok(()), &spec(), &fixed(share));
            assert_eq!(schedule.due() - Instant::now(), Duration::from_secs_f64(expected_s));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_double_up_to_five_minutes_and_end_with_the_first_success() {
        let mut schedule = Schedule::new();
        let mut pauses = Vec::new();
        for _ in 0..11 {
            schedule.looked(Err(&throttled(Duration::ZERO)), &spec(), &fixed(1.0));
            pauses.push((schedule.due() - Instant::now()).as_secs());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        schedule.looked(Ok(()), &spec(), &fixed(0.0));
        schedule.looked(Err(&throttled(Duration::ZERO)), &spec(), &fixed(1.0));
        assert_eq!(schedule.due() - Instant::now(), SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_never_shorter_than_the_service_asks_nor_longer_than_ours() {
        for (asked_s, expected_s) in [(7, 7), (3_600, 300)] {
            let mut schedule = Schedule::new();
            schedule.looked(Err(&throttled(asked_s * SECOND)), &spec(), &fixed(0.0));
            assert_eq!(schedule.due() - Instant::now(), expected_s * SECOND);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_good_value_is_taken_along_in_its_last_quarter_and_a_failed_one_keeps_its_pause() {
        let (mut good, mut failed) = (Schedule::new(), Schedule::new());
        good.looked(Ok(()), &spec(), &fixed(1.0));
        failed.looked(Err(&throttled(60 * SECOND)), &spec(), &fixed(1.0));
        assert!(!good.is_due_soon(&spec()));
        tokio::time::advance(59 * SECOND).await;
        assert!(!failed.is_due_soon(&spec()) && !failed.is_due(), "a second before its pause ends");
        tokio::time::advance(SECOND).await;
        assert!(failed.is_due());
        tokio::time::advance(164 * SECOND).await;
        assert!(!good.is_due_soon(&spec()), "224 s after a look that holds for 300 s");
        tokio::time::advance(SECOND).await;
        assert!(good.is_due_soon(&spec()) && !good.is_due());
        tokio::time::advance(75 * SECOND).await;
        assert!(good.is_due());
    }

    #[tokio::test(start_paused = true)]
    async fn an_absence_is_believed_for_30_s_and_a_value_for_1_s() {
        let gone = Error::NotFound { name: spec().name, tried: Vec::new() };
        for (looked, expected_s) in [(Err(&gone), 30), (Ok(()), 1), (Err(&throttled(SECOND)), 1)] {
            let mut schedule = Schedule::new();
            assert!(!schedule.is_believed());
            schedule.looked(looked, &spec(), &fixed(0.5));
            tokio::time::advance(expected_s * SECOND - Duration::from_millis(1)).await;
            assert!(schedule.is_believed());
            tokio::time::advance(Duration::from_millis(1)).await;
            assert!(!schedule.is_believed());
        }
    }
}
