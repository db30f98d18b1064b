//! Counts reads and the use of values before, so that a minute of them is one record.

use std::sync::atomic::{AtomicU64, Ordering};

/// How often one component read one secret.
#[derive(Debug)]
pub(crate) struct Reads {
    pub(crate) component: &'static str,
    fresh: AtomicU64,
    stale: AtomicU64,
    failed: AtomicU64,
}

/// What a read got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Got {
    Fresh,
    Stale,
    Nothing,
}

/// Reads since they were last told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) fresh: u64,
    pub(crate) stale: u64,
    pub(crate) failed: u64,
}

impl Reads {
    pub(crate) fn by(component: &'static str) -> Self {
        Self { component, fresh: AtomicU64::new(0), stale: AtomicU64::new(0), failed: AtomicU64::new(0) }
    }

    pub(crate) fn count(&self, got: Got) {
        let counter = match got {
            Got::Fresh => &self.fresh,
            Got::Stale => &self.stale,
            Got::Nothing => &self.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes the tally and begins anew; `None` when there were no reads.
    pub(crate) fn take(&self) -> Option<Tally> {
        let take = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
        let tally = Tally { fresh: take(&self.fresh), stale: take(&self.stale), failed: take(&self.failed) };
        (tally.fresh + tally.stale + tally.failed > 0).then_some(tally)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_is_taken_once() {
        let reads = Reads::by("test");
        assert_eq!(reads.take(), None);
        reads.count(Got::Fresh);
        reads.count(Got::Fresh);
        reads.count(Got::Nothing);
        assert_eq!(reads.take(), Some(Tally { fresh: 2, stale: 0, failed: 1 }));
        assert_eq!(reads.take(), None);
    }
}
