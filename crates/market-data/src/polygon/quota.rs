//! Our own count of calls: no more than the plan allows in any 60 seconds, and none while the vendor says to wait.
//!
//! Each call of the last minute holds one token; a bucket that refills steadily would let almost twice the plan's number
//! through in its first minute.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What plans count over.
const WINDOW: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Quota {
    calls_per_window: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    started: VecDeque<Instant>,
    closed_until: Option<Instant>,
}

impl Quota {
    pub(super) fn new(calls_per_minute: u32) -> Self {
        Self { calls_per_window: calls_per_minute as usize, state: Mutex::default() }
    }

    /// Takes one token, at once or not at all.
    ///
    /// # Errors
    /// How long it takes until there is one.
    pub(super) fn take(&self, now: Instant) -> Result<(), Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = state.closed_until.filter(|until| *until > now) {
            return Err(until - now);
        }
        while state.started.front().is_some_and(|started| *started + WINDOW <= now) {
            state.started.pop_front();
        }
        if state.started.len() >= self.calls_per_window {
            let oldest = state.started.front().copied().unwrap_or(now);
            return Err(oldest + WINDOW - now);
        }
        state.started.push_back(now);
        Ok(())
    }

    /// Whether the vendor's word still holds that there be no call.
    pub(super) fn is_closed(&self, now: Instant) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.closed_until.is_some_and(|until| until > now)
    }

    /// No token until then: the vendor counts otherwise than we do.
    pub(super) fn close_until(&self, until: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.closed_until = state.closed_until.max(Some(until));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sixty_seconds_see_more_calls_than_the_plan_allows() {
        let quota = Quota::new(5);
        let start = Instant::now();
        let mut taken = Vec::new();
        for tick in 0..3_000 {
            let now = start + Duration::from_millis(100 * tick);
            if quota.take(now).is_ok() {
                taken.push(now);
            }
        }
        assert_eq!(taken.len(), 25, "five minutes");
        assert!(taken.windows(6).all(|calls| calls[5] - calls[0] >= WINDOW));
    }

    #[test]
    fn the_wait_is_the_one_until_a_token_is_back() {
        let quota = Quota::new(1);
        let start = Instant::now();
        assert_eq!(quota.take(start), Ok(()));
        assert_eq!(quota.take(start + Duration::from_secs(20)), Err(Duration::from_secs(40)));
        assert_eq!(quota.take(start + WINDOW), Ok(()));
    }

    #[test]
    fn the_vendors_word_closes_it() {
        let quota = Quota::new(100);
        let start = Instant::now();
        quota.close_until(start + Duration::from_secs(7));
        quota.close_until(start + Duration::from_secs(3));
        assert_eq!(quota.take(start), Err(Duration::from_secs(7)));
        assert!(quota.is_closed(start) && !quota.is_closed(start + Duration::from_secs(7)));
        assert_eq!(quota.take(start + Duration::from_secs(7)), Ok(()));
    }
}
