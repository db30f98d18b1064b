//! The limit of one API key, stored in the record of the key.

use governor::RateLimiter;
use governor::clock::{Clock as _, MonotonicClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};

use crate::{Limit, LimitStatus};

/// The limit of one API key.
#[derive(Debug)]
pub struct KeyLimiter {
    limit: Limit,
    limiter: RateLimiter<NotKeyed, InMemoryState, MonotonicClock, StateInformationMiddleware>,
}

impl KeyLimiter {
    /// An unused limit.
    #[must_use]
    pub fn new(limit: Limit) -> Self {
        let limiter = RateLimiter::direct_with_clock(limit.quota(), MonotonicClock);
        Self { limit, limiter: limiter.with_middleware() }
    }

    /// Counts one request.
    ///
    /// # Errors
    /// The limit is exceeded.
    pub fn check(&self) -> Result<LimitStatus, LimitStatus> {
        match self.limiter.check() {
            Ok(snapshot) => Ok(self.limit.status(snapshot.remaining_burst_capacity())),
            Err(refusal) => Err(LimitStatus::exceeded(refusal.wait_time_from(MonotonicClock.now()))),
        }
    }
}
