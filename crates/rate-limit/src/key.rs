//! The limit of one API key, stored in the record of the key.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

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
    in_progress: AtomicU32,
}

impl KeyLimiter {
    /// An unused limit.
    #[must_use]
    pub fn new(limit: Limit) -> Self {
        let limiter = RateLimiter::direct_with_clock(limit.quota(), MonotonicClock);
        Self { limit, limiter: limiter.with_middleware(), in_progress: AtomicU32::new(0) }
    }

    /// The limit.
    #[must_use]
    pub fn limit(&self) -> Limit {
        self.limit
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

    /// Counts `further` requests of a request that is counted already, at most as many as are allowed at once: all of them or none.
    ///
    /// # Errors
    /// The limit is exceeded.
    pub fn charge(&self, further: NonZeroU32) -> Result<LimitStatus, LimitStatus> {
        let most = self.limit.bounded().burst.get() - 1;
        let Some(further) = NonZeroU32::new(further.get().min(most)) else { return Ok(self.limit.status(0)) };
        match self.limiter.check_n(further) {
            Ok(Ok(snapshot)) => Ok(self.limit.status(snapshot.remaining_burst_capacity())),
            Ok(Err(refusal)) => Err(LimitStatus::exceeded(refusal.wait_time_from(MonotonicClock.now()))),
            Err(_more_than_burst) => Err(self.limit.status(0)),
        }
    }

    /// Notes the start of a request, if fewer than `max` are in progress.
    pub fn start(&self, max: u32) -> bool {
        let is_allowed = self.in_progress.fetch_add(1, Ordering::Relaxed) < max;
        if !is_allowed {
            self.end();
        }
        is_allowed
    }

    /// Notes the end of a request that [`start`](Self::start) allowed.
    pub fn end(&self) {
        self.in_progress.fetch_sub(1, Ordering::Relaxed);
    }
}
