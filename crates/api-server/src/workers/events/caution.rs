//! Caution after a panic: one event at a time, so that an event that makes its worker panic fails alone, and not with all
//! those that happened to be leased with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

/// How long a panic makes workers careful, in seconds: longer than all attempts at one event take.
const LASTS_S: i64 = 600;

/// Until when workers are careful. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Caution(Arc<AtomicI64>);

/// Makes workers careful when it is dropped by a panic.
#[derive(Debug)]
pub(super) struct Watch<'c> {
    caution: &'c Caution,
    now: Timestamp,
}

impl Caution {
    /// Whether it is on.
    pub(super) fn is_on(&self, now: Timestamp) -> bool {
        now.as_second() < self.0.load(Ordering::Relaxed)
    }

    /// Watches one round.
    pub(super) fn watch(&self, now: Timestamp) -> Watch<'_> {
        Watch { caution: self, now }
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.caution.0.store(self.now.as_second().saturating_add(LASTS_S), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_in_a_round_makes_all_workers_careful_for_a_while() {
        let caution = Caution::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        drop(caution.watch(at(1000)));
        assert!(!caution.is_on(at(1000)));
        let of_worker = caution.clone();
        let round = tokio::spawn(async move {
            let _watch = of_worker.watch(at(1000));
            tokio::task::yield_now().await;
            panic!("an event that nobody foresaw");
        });
        assert!(round.await.unwrap_err().is_panic());
        assert!(caution.is_on(at(1599)) && !caution.is_on(at(1600)));
    }
}
