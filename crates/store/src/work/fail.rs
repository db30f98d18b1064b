//! Work that could not be done: later, or given up.

use audit::Entry;
use jiff::Timestamp;
use serde_json::json;

use super::{Applied, Leased, backoff};
use crate::chain;
use crate::database::{Tries, values};
use crate::error::Error;
use crate::store::Store;

/// Longest reason that is kept, in bytes.
const REASON_BYTES_MAX: usize = 500;

impl Store {
    /// Marks work as failed: it is tried again after a pause, or given up after its last attempt. Says which, as
    /// [`Applied::Failed`], [`Applied::Dead`] or [`Applied::LeaseLost`].
    ///
    /// # Errors
    /// [`Error`] of the database; then the lease runs out by itself.
    pub async fn fail(&self, leased: &Leased, reason: &str, now: Timestamp) -> Result<Applied, Error> {
        let mut tries = Tries::default();
        loop {
            match self.try_fail(leased, &bounded(reason), now).await {
                Err(error) if tries.again(&error).await => {}
                outcome => return outcome,
            }
        }
    }

    async fn try_fail(&self, leased: &Leased, reason: &str, now: Timestamp) -> Result<Applied, Error> {
        let next = backoff::next(leased.work, leased.attempt, now);
        let (state, finished_at) = if next.is_some() { ("pending", None) } else { ("dead", Some(now)) };
        let mut writer = self.shared.database.writer().await?;
        let mut tx = writer.begin().await?;
        let sql = "UPDATE webhook_work SET state = $4, last_error = $5, next_at = $6, finished_at = $7, lease_owner = NULL, \
                   lease_until = NULL WHERE id = $1 AND state = 'leased' AND lease_owner = $2 AND attempts = $3";
        let next_at = next.unwrap_or(now);
        let values =
            values![leased.work.get(), &*leased.owner, leased.attempt, state, reason, next_at, finished_at];
        if tx.execute(sql, values).await? == 0 {
            return Ok(Applied::LeaseLost);
        }
        let detail =
            json!({ "event": leased.event, "attempt": leased.attempt, "state": state, "reason": reason })
                .to_string();
        let object = format!("webhook_work/{}", leased.work);
        let entry = Entry::new(now, "worker", "webhooks.fail", &object, None, &detail)?;
        chain::append(&mut tx, &self.shared.key, entry).await?;
        tx.commit().await?;
        let reason = reason.to_owned();
        Ok(if next.is_some() { Applied::Failed { reason } } else { Applied::Dead { reason } })
    }
}

/// The beginning of a text, without what Postgres cannot keep.
pub(super) fn bounded(reason: &str) -> String {
    let mut end = reason.len().min(REASON_BYTES_MAX);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    reason.get(..end).unwrap_or_default().replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_ends_at_a_whole_character() {
        assert_eq!(bounded("no such account"), "no such account");
        assert_eq!(bounded(&"é".repeat(300)).len(), 500);
        assert_eq!(bounded(&format!("x{}", "é".repeat(300))).len(), 499);
        assert_eq!(bounded("a\0b"), "a\u{fffd}b");
    }
}
