//! Doing a transaction again when another was in its way.

use std::time::Duration;

use crate::error::{Error, Remedy};

/// How often a transaction is tried, at most.
const TRIES_MAX: u32 = 5;
/// Pause before the second try; each further one is twice as long.
const PAUSE_MIN: Duration = Duration::from_millis(5);

/// Counts the tries of one transaction.
#[derive(Debug, Default)]
pub(crate) struct Tries(u32);

impl Tries {
    /// Whether to try again, after the pause that this takes: only what the database undid for another's sake.
    pub(crate) async fn again(&mut self, error: &Error) -> bool {
        self.0 += 1;
        if error.remedy() != Remedy::Again || self.0 >= TRIES_MAX {
            return false;
        }
        tokio::time::sleep(PAUSE_MIN * 2_u32.pow(self.0 - 1)).await;
        true
    }
}
