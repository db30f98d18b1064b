//! Limits, and the remaining part of a limit.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::Quota;

use crate::Tier;

/// The window that limits are stated for, in seconds.
pub const WINDOW_S: u64 = 60;

/// Longest time in which a burst is earned; a larger burst would overflow.
const BURST_EARNED_IN_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// The request rate of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Requests a minute, in the long run.
    pub per_minute: NonZeroU32,
    /// Requests at once, after a pause.
    pub burst: NonZeroU32,
}

/// The remaining part of a client's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitStatus {
    /// Requests that are allowed at once.
    pub remaining: u32,
    /// Whole seconds until a whole burst is allowed again or, once the limit is exceeded, until the next request is allowed.
    pub reset_s: u64,
}

impl Limit {
    /// The limit with its burst bounded to the requests of 30 days.
    #[must_use]
    pub fn bounded(self) -> Self {
        let longest = BURST_EARNED_IN_MAX.as_nanos() / self.period().as_nanos();
        let longest = u32::try_from(longest).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MAX);
        Self { burst: self.burst.min(longest), ..self }
    }

    /// Whole seconds in which a whole burst is earned.
    #[must_use]
    pub fn burst_window_s(self) -> u64 {
        whole_seconds(self.period() * self.bounded().burst.get())
    }

    /// The limit of a network of this tier.
    #[must_use]
    pub fn for_tier(self, tier: &Tier) -> Self {
        let times = |number: NonZeroU32| number.saturating_mul(tier.requests_factor);
        Self { per_minute: times(self.per_minute), burst: times(self.burst) }
    }

    pub(crate) fn quota(self) -> Quota {
        // The period is at least 60 s / 2^32, about 14 ns, so that it is never zero.
        Quota::with_period(self.period()).expect("a period is positive").allow_burst(self.bounded().burst)
    }

    pub(crate) fn status(self, remaining: u32) -> LimitStatus {
        let spent = self.bounded().burst.get().saturating_sub(remaining);
        LimitStatus { remaining, reset_s: whole_seconds(self.period().saturating_mul(spent)) }
    }

    pub(crate) fn period_nanos(self) -> i64 {
        i64::try_from(self.period().as_nanos()).unwrap_or(i64::MAX)
    }

    /// The time in which one request is earned.
    fn period(self) -> Duration {
        Duration::from_secs(WINDOW_S) / self.per_minute.get()
    }
}

impl LimitStatus {
    pub(crate) fn exceeded(wait: Duration) -> Self {
        Self { remaining: 0, reset_s: whole_seconds(wait) }
    }
}

/// Seconds, rounded up and at least 1, so that waiting that long always suffices.
fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}
