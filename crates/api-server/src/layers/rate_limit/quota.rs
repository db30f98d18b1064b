//! What a limit allows, and where a client stands with it.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, MonotonicClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use http::HeaderValue;

use super::fields::{FIELDS, Fields};
use crate::problem::{Kind, Problem};

/// The window that limits are stated for, in seconds.
const WINDOW_S: u64 = 60;

/// Longest time in which a burst is earned. A larger burst would never be used up, and would overflow.
const BURST_EARNED_IN_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// How often one client may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Requests a minute, in the long run.
    pub per_minute: NonZeroU32,
    /// Requests at once, by a client that was silent for long enough.
    pub burst: NonZeroU32,
}

impl Config {
    /// A limit that is so many times as wide.
    pub(super) fn times(self, factor: u32) -> Self {
        let times = |number: NonZeroU32| number.saturating_mul(NonZeroU32::MIN.saturating_add(factor - 1));
        Self { per_minute: times(self.per_minute), burst: times(self.burst) }
    }

    /// The time in which one request is earned.
    fn period(self) -> Duration {
        Duration::from_secs(WINDOW_S) / self.per_minute.get()
    }

    pub(super) fn quota(self) -> Quota {
        // The period is at least 60 s / 2^32, about 14 ns, so that it is never zero.
        Quota::with_period(self.period()).expect("a period is positive").allow_burst(self.bounded().burst)
    }

    fn bounded(self) -> Self {
        let longest = BURST_EARNED_IN_MAX.as_nanos() / self.period().as_nanos();
        let longest = u32::try_from(longest).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MAX);
        Self { burst: self.burst.min(longest), ..self }
    }
}

/// Where a client stands with its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Requests that it may make at once.
    pub remaining: u32,
    /// Whole seconds until it may make a whole burst again; after a refusal, until its next request.
    pub reset_s: u64,
}

/// A limit with its name and the header values that never change.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    name: &'static str,
    names: &'static [&'static str],
    detail: String,
    config: Config,
    stated: HeaderValue,
    limit: HeaderValue,
}

impl Policy {
    pub(crate) fn new(names: &'static [&'static str; 1], config: Config) -> Self {
        let [name] = *names;
        let config = config.bounded();
        let Config { per_minute, burst } = config;
        let burst_window_s = whole_seconds(config.period() * burst.get());
        let stated =
            format!("\"{name}\";q={per_minute};w={WINDOW_S}, \"burst\";q={burst};w={burst_window_s}");
        let stated = HeaderValue::try_from(stated).expect("digits and quotes are a header value");
        let detail = format!("this {name} may make {per_minute} requests a minute");
        Self { name, names, detail, config, stated, limit: HeaderValue::from(per_minute.get()) }
    }

    /// Where a client stands that may make so many requests more.
    pub(crate) fn standing(&self, remaining: u32) -> Standing {
        let spent = self.config.burst.get().saturating_sub(remaining);
        Standing { remaining, reset_s: whole_seconds(self.config.period().saturating_mul(spent)) }
    }

    /// Where a client stands that has to wait so long.
    pub(crate) fn exhausted(&self, wait: Duration) -> Standing {
        Standing { remaining: 0, reset_s: whole_seconds(wait) }
    }

    pub(crate) fn fields(&self, standing: Standing) -> Fields {
        Fields::new(self.name, self.stated.clone(), self.limit.clone(), standing)
    }

    pub(crate) fn problem(&self, standing: Standing) -> Problem {
        let problem = Problem::new(Kind::QuotaExceeded, self.detail.clone())
            .violating(self.names)
            .with_room_for_headers(FIELDS + 1)
            .retry_after_s(standing.reset_s);
        self.fields(standing)
            .into_iter()
            .fold(problem, |problem, (name, value)| problem.with_header(name, value))
    }
}

/// Seconds, rounded up: waiting that long always suffices. At least 1, or a client would come back at once.
fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// The limit of one API key. It lives in the key's record, so there are as many as keys.
#[derive(Debug)]
pub struct KeyLimiter {
    policy: Policy,
    limiter: RateLimiter<NotKeyed, InMemoryState, MonotonicClock, StateInformationMiddleware>,
}

impl KeyLimiter {
    /// A limit that has not been used yet.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let limiter = RateLimiter::direct_with_clock(config.quota(), MonotonicClock);
        Self { policy: Policy::new(&["key"], config), limiter: limiter.with_middleware() }
    }

    /// One request more.
    ///
    /// # Errors
    /// Where the key stands when it has to wait.
    pub fn check(&self) -> Result<Standing, Standing> {
        match self.limiter.check() {
            Ok(snapshot) => Ok(self.policy.standing(snapshot.remaining_burst_capacity())),
            Err(refusal) => Err(self.policy.exhausted(refusal.wait_time_from(MonotonicClock.now()))),
        }
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }
}
