//! Failed jobs, which are retried later or given up.

use jiff::Timestamp;
use serde_json::json;

use super::{ApplyOutcome, Job, WORKER, backoff};
use crate::database::{Operation, retry, sql};
use crate::error::Error;
use crate::event_reviews;
use crate::proof::EvidenceError;
use crate::store::Store;

/// Longest stored reason, in bytes.
const REASON_BYTES_MAX: usize = 500;

const FAIL: &str = "UPDATE webhook_jobs SET state = $4, last_error = $5, next_at = $6, finished_at = $7, \
    lease_owner = NULL, lease_until = NULL WHERE id = $1 AND state = 'leased' AND lease_owner = $2 AND attempts = $3";

impl Store {
    /// Marks a job as failed: it is retried after a delay, or given up after its last attempt. Returns
    /// [`ApplyOutcome::Failed`], [`ApplyOutcome::Dead`] or [`ApplyOutcome::LeaseLost`].
    ///
    /// # Errors
    /// [`Error`] of the database; the lease expires.
    pub async fn fail(&self, job: &Job, reason: &str, now: Timestamp) -> Result<ApplyOutcome, Error> {
        self.end_attempt(job, "webhooks.fail", reason, backoff::next_at(job.id, job.attempt, now), now).await
    }

    /// Gives a job up at once, because its event is not what was received. Returns [`ApplyOutcome::Dead`] or
    /// [`ApplyOutcome::LeaseLost`].
    pub(super) async fn reject(
        &self,
        job: &Job,
        error: EvidenceError,
        now: Timestamp,
    ) -> Result<ApplyOutcome, Error> {
        self.end_attempt(job, "webhooks.reject", &error.to_string(), None, now).await
    }

    /// The job is due again at `next_at`, or a dead letter.
    async fn end_attempt(
        &self,
        job: &Job,
        action: &str,
        reason: &str,
        next_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<ApplyOutcome, Error> {
        let reason = truncated(reason);
        let (state, finished_at) = if next_at.is_some() { ("pending", None) } else { ("dead", Some(now)) };
        let detail =
            json!({ "event": job.event_id, "attempt": job.attempt, "state": state, "reason": reason });
        let entry = WORKER.entry(action, &format!("webhook_jobs/{}", job.id), &detail, now)?;
        retry(async || {
            let mut writer = self.shared.database.writer(Operation::Apply).await?;
            let mut tx = writer.begin().await?;
            let (id, owner, next_at) = (job.id.get(), &*job.owner, next_at.unwrap_or(now));
            let fail = sql!(FAIL, id, owner, job.attempt, state, &reason, next_at, finished_at);
            if tx.execute(fail).await?.rows == 0 {
                return Ok(ApplyOutcome::LeaseLost);
            }
            if state == "dead" {
                event_reviews::open_events(&mut tx, [("dead_letter", job.event_id.get())], now).await?;
            }
            self.commit(tx, entry.clone()).await?;
            let reason = reason.clone();
            Ok(if state == "dead" { ApplyOutcome::Dead { reason } } else { ApplyOutcome::Failed { reason } })
        })
        .await
    }
}

/// The beginning of a reason, without NUL, which Postgres cannot store.
pub(super) fn truncated(reason: &str) -> String {
    let end = reason.floor_char_boundary(REASON_BYTES_MAX);
    reason.get(..end).unwrap_or_default().replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_ends_at_a_whole_character() {
        assert_eq!(truncated("no such account"), "no such account");
        assert_eq!(truncated(&"é".repeat(300)).len(), 500);
        assert_eq!(truncated(&format!("x{}", "é".repeat(300))).len(), 499);
        assert_eq!(truncated("a\0b"), "a\u{fffd}b");
    }
}
