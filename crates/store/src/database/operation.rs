//! What transactions are for: the names under which their times are counted.

use strum::{IntoStaticStr, VariantArray};
use telemetry::metrics::{QueryDurations, QueryTimer};

/// What a transaction is for. Few, because each is a histogram.
#[derive(Clone, Copy, Debug, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Operation {
    /// Stores a batch of deliveries.
    InsertDelivery,
    /// Looks for due jobs, and leases them.
    ClaimJobs,
    /// Applies jobs, or notes that they failed.
    Apply,
    /// Reads balances and portfolios.
    Balances,
    /// Reads entries and reports.
    Entries,
    /// Lists events and dead letters, replays and redacts them.
    Events,
    /// Asks which API keys have changed.
    KeyPoll,
    /// Reads and changes API keys.
    ApiKeys,
    /// Checks that the database is the one that was opened.
    CheckStorage,
    /// Renews a leader lease, or the heartbeat of a standby.
    LeaderLease,
    /// Computes business figures, prices and snapshots, and counts what waits.
    Business,
    /// Reads and writes journals and reviews.
    Journals,
    /// Writes and verifies the audit chain and the books.
    Audit,
    /// The start, and what is rare or short.
    Other,
}

/// Measures the transactions of one connection.
pub(super) struct Measure {
    pub(super) durations: QueryDurations,
    pub(super) operation: Operation,
}

impl Measure {
    pub(super) fn start(&self) -> QueryTimer {
        self.durations.start(self.operation.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_in_the_page_of_metrics() {
        let page = include_str!("../../../../docs/METRICS.md");
        let names = page.split_once("`statement` is").unwrap().1.split_once("its series begin ").unwrap().0;
        for operation in Operation::VARIANTS {
            assert!(names.contains(&format!("`{}`", <&str>::from(operation))), "{operation:?}");
        }
        assert_eq!(names.matches('`').count(), 2 * Operation::VARIANTS.len());
    }
}
