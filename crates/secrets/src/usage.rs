//! Counts the reads of a secret by one component, for one audit record a minute.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts how often one component read one secret.
#[derive(Debug)]
pub(crate) struct ReadCounter {
    pub(crate) component: &'static str,
    fresh: AtomicU64,
    stale: AtomicU64,
    failed: AtomicU64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadOutcome {
    Fresh,
    Stale,
    Failed,
}

/// Reads since the last report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadCounts {
    pub(crate) fresh: u64,
    pub(crate) stale: u64,
    pub(crate) failed: u64,
}

impl ReadCounter {
    pub(crate) fn new(component: &'static str) -> Self {
        Self { component, fresh: AtomicU64::new(0), stale: AtomicU64::new(0), failed: AtomicU64::new(0) }
    }

    pub(crate) fn count(&self, outcome: ReadOutcome) {
        let counter = match outcome {
            ReadOutcome::Fresh => &self.fresh,
            ReadOutcome::Stale => &self.stale,
            ReadOutcome::Failed => &self.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the counts and resets them; `None` when there were no reads.
    pub(crate) fn take(&self) -> Option<ReadCounts> {
        let take = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
        let counts =
            ReadCounts { fresh: take(&self.fresh), stale: take(&self.stale), failed: take(&self.failed) };
        (counts.fresh + counts.stale + counts.failed > 0).then_some(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_returned_once() {
        let reads = ReadCounter::new("test");
        assert_eq!(reads.take(), None);
        reads.count(ReadOutcome::Fresh);
        reads.count(ReadOutcome::Fresh);
        reads.count(ReadOutcome::Failed);
        assert_eq!(reads.take(), Some(ReadCounts { fresh: 2, stale: 0, failed: 1 }));
        assert_eq!(reads.take(), None);
    }
}
