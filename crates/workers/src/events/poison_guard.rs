//! After a panic, workers apply one event at a time, so that an event that makes its worker panic fails without the others of
//! its batch.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

/// Duration after a panic, in seconds: longer than all attempts to apply one event.
const DURATION_S: i64 = 600;

/// The time until which events are applied one at a time. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct PoisonGuard(Arc<AtomicI64>);

/// Turns the guard on when a panic drops it.
#[derive(Debug)]
pub(super) struct Round<'g> {
    guard: &'g PoisonGuard,
    now: Timestamp,
}

impl PoisonGuard {
    pub(super) fn is_on(&self, now: Timestamp) -> bool {
        now.as_second() < self.0.load(Ordering::Relaxed)
    }

    pub(super) fn enter_round(&self, now: Timestamp) -> Round<'_> {
        Round { guard: self, now }
    }
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.guard.0.store(self.now.as_second().saturating_add(DURATION_S), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_in_a_round_turns_the_guard_on_for_all_workers_for_a_while() {
        let guard = PoisonGuard::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        drop(guard.enter_round(at(1000)));
        assert!(!guard.is_on(at(1000)));
        let shared = guard.clone();
        let round = tokio::spawn(async move {
            let _round = shared.enter_round(at(1000));
            tokio::task::yield_now().await;
            panic!("an event that nobody foresaw");
        });
        assert!(round.await.unwrap_err().is_panic());
        assert!(guard.is_on(at(1599)) && !guard.is_on(at(1600)));
    }
}
