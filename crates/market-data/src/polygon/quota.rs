//! The quota of calls: at most as many as the plan allows in any 60 seconds, and none while the vendor asks us to wait.
//!
//! A sliding window, because a token bucket would allow almost twice the plan's calls in its first minute.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The period over which plans count.
const WINDOW: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Quota {
    calls_per_window: usize,
    calls: Mutex<RecentCalls>,
}

#[derive(Debug, Default)]
struct RecentCalls {
    started: VecDeque<Instant>,
    paused_until: Option<Instant>,
}

impl Quota {
    pub(super) fn new(calls_per_minute: u32) -> Self {
        Self { calls_per_window: calls_per_minute as usize, calls: Mutex::default() }
    }

    /// Counts one call, if it is allowed now.
    ///
    /// # Errors
    /// The time until a call is allowed.
    pub(super) fn acquire(&self, now: Instant) -> Result<(), Duration> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = calls.paused_until.filter(|until| *until > now) {
            return Err(until - now);
        }
        while calls.started.front().is_some_and(|started| *started + WINDOW <= now) {
            calls.started.pop_front();
        }
        if calls.started.len() >= self.calls_per_window {
            let oldest = calls.started.front().copied().unwrap_or(now);
            return Err(oldest + WINDOW - now);
        }
        calls.started.push_back(now);
        Ok(())
    }

    pub(super) fn is_paused(&self, now: Instant) -> bool {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.paused_until.is_some_and(|until| until > now)
    }

    /// Allows no call until `until`: the vendor may count differently.
    pub(super) fn pause_until(&self, until: Instant) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.paused_until = calls.paused_until.max(Some(until));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_minute_has_more_calls_than_the_plan_allows() {
        let quota = Quota::new(5);
        let start = Instant::now();
        let mut calls = Vec::new();
        for tick in 0..3_000 {
            let now = start + Duration::from_millis(100 * tick);
            if quota.acquire(now).is_ok() {
                calls.push(now);
            }
        }
        assert_eq!(calls.len(), 25, "five minutes");
        assert!(calls.windows(6).all(|window| window[5] - window[0] >= WINDOW));
    }

    #[test]
    fn the_wait_lasts_until_a_call_is_allowed() {
        let quota = Quota::new(1);
        let start = Instant::now();
        assert_eq!(quota.acquire(start), Ok(()));
        assert_eq!(quota.acquire(start + Duration::from_secs(20)), Err(Duration::from_secs(40)));
        assert_eq!(quota.acquire(start + WINDOW), Ok(()));
    }

    #[test]
    fn the_vendor_can_pause_all_calls() {
        let quota = Quota::new(100);
        let start = Instant::now();
        quota.pause_until(start + Duration::from_secs(7));
        quota.pause_until(start + Duration::from_secs(3));
        assert_eq!(quota.acquire(start), Err(Duration::from_secs(7)));
        assert!(quota.is_paused(start) && !quota.is_paused(start + Duration::from_secs(7)));
        assert_eq!(quota.acquire(start + Duration::from_secs(7)), Ok(()));
    }
}
