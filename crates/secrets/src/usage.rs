//! Counts reads and the use of values before, so that a minute of them is one record.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Counts are kept in so many parts, each on a cache line of its own: threads that read one secret at once do not wait for
/// each other's counting.
const PARTS: usize = 8;

/// How often one component read one secret.
#[derive(Debug)]
pub(crate) struct Reads {
    pub(crate) component: &'static str,
    parts: [Part; PARTS],
}

/// The reads of some threads. Processors fetch cache lines of 64 bytes in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Part {
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
        Self { component, parts: Default::default() }
    }

    pub(crate) fn count(&self, got: Got) {
        let part = &self.parts[own_part()];
        let counter = match got {
            Got::Fresh => &part.fresh,
            Got::Stale => &part.stale,
            Got::Nothing => &part.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes the tally and begins anew; `None` when there were no reads.
    pub(crate) fn take(&self) -> Option<Tally> {
        let mut tally = Tally { fresh: 0, stale: 0, failed: 0 };
        for Part { fresh, stale, failed } in &self.parts {
            tally.fresh += fresh.swap(0, Ordering::Relaxed);
            tally.stale += stale.swap(0, Ordering::Relaxed);
            tally.failed += failed.swap(0, Ordering::Relaxed);
        }
        (tally.fresh + tally.stale + tally.failed > 0).then_some(tally)
    }
}

/// The part in which this thread counts: threads take them in turns.
fn own_part() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: usize = NEXT.fetch_add(1, Ordering::Relaxed) % PARTS;
    }
    // A thread that is ending has no part of its own any more.
    OWN.try_with(|own| *own).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_of_all_threads_are_one_tally() {
        let reads = Reads::by("test");
        std::thread::scope(|scope| {
            for _ in 0..2 * PARTS + 1 {
                scope.spawn(|| (0..100).for_each(|_| reads.count(Got::Fresh)));
            }
        });
        assert_eq!(reads.take(), Some(Tally { fresh: 1_700, stale: 0, failed: 0 }));
        assert_eq!(reads.take(), None);
    }

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
