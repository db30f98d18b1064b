//! Leases jobs.
//!
//! Leases are not audited, because they expire without effect. The outcome of a job is audited: applied, failed or given up.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use audit::{Entry, Key};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use telemetry::traces::SpanIds;

use super::{ATTEMPTS_MAX, Job, JobCause, WORKER, due};
use crate::chain;
use crate::database::{Backend, Operation, Row, Transaction, retry, sql};
use crate::error::Error;
use crate::event_reviews;
use crate::ids::{EventId, JobId};
use crate::inbox::TRACEPARENT;
use crate::proof;
use crate::store::Store;

/// Most jobs of one call.
pub const LEASE_MAX: u32 = 512;

/// A job with more attempts is leased alone: if it kills its worker or stops the database, no other job is affected.
const SHARED_ATTEMPTS_MAX: u32 = 2;

/// Lock of leasing processes, so that two of them cannot lease jobs of one resource.
const LOCK: &str = "SELECT pg_advisory_xact_lock(4211500171)";

// Not in order of their ids: SQLite would search all jobs that there ever were, and not only those that are leased.
const EXPIRED: &str = "SELECT id, event_id, attempts FROM webhook_jobs \
    WHERE state = 'leased' AND lease_until <= $1 ORDER BY lease_until, id LIMIT 256";
// A worker that is applying a job holds its row and may finish, even after the lease has expired.
const EXPIRED_UNLOCKED: &str = "SELECT id, event_id, attempts FROM webhook_jobs \
    WHERE state = 'leased' AND lease_until <= $1 ORDER BY lease_until, id LIMIT 256 FOR UPDATE SKIP LOCKED";

const GIVE_UP: &str = "UPDATE webhook_jobs SET state = 'dead', lease_owner = NULL, lease_until = NULL, \
    finished_at = $2, last_error = 'lease expired in the last attempt' WHERE id = $1";
const RELEASE: &str =
    "UPDATE webhook_jobs SET state = 'pending', lease_owner = NULL, lease_until = NULL WHERE id = $1";
const LEASE: &str = "UPDATE webhook_jobs SET state = 'leased', attempts = attempts + 1, lease_owner = $1, \
    lease_until = $2 WHERE id IN";

impl Store {
    /// Leases up to `max` due jobs, oldest first, until `now + hold`; a job that has failed to finish before is leased
    /// alone. Jobs whose lease has expired become due first, or are given up after their last attempt.
    ///
    /// # Errors
    /// [`Error`] of the database; nothing is leased.
    pub async fn lease(
        &self,
        owner: &str,
        max: u32,
        hold: Duration,
        now: Timestamp,
    ) -> Result<Vec<Job>, Error> {
        if !self.has_due_jobs(now).await? {
            return Ok(Vec::new());
        }
        let owner: Arc<str> = owner.into();
        let until = now.saturating_add(SignedDuration::try_from(hold).unwrap_or(SignedDuration::MAX));
        let until = until.unwrap_or(Timestamp::MAX);
        retry(async || {
            let mut writer = self.shared.database.writer(Operation::ClaimJobs).await?;
            let mut tx = writer.begin().await?;
            if tx.backend() == Backend::Postgres {
                tx.script(LOCK).await?;
            }
            let given_up = expire(&mut tx, now).await?;
            let rows = due::rows(&mut tx, max.min(LEASE_MAX), now).await?;
            let key = self.shared.key.load();
            let mut jobs = rows.iter().map(|row| job(row, &owner, &key)).collect::<Result<Vec<_>, _>>()?;
            jobs.truncate(count_together(&jobs));
            if !jobs.is_empty() {
                let ids = jobs.iter().map(|job| job.id.get());
                tx.execute(sql!(LEASE, &*owner, until).push_in(ids)).await?;
            }
            if let Some(entry) = given_up {
                chain::append(&mut tx, &key, entry).await?;
            }
            tx.commit().await?;
            let received = jobs.iter().filter(|job| job.cause == JobCause::Received);
            let waited = received.map(|job| now.duration_since(job.received_at)).max().unwrap_or_default();
            self.shared.database.event_waited(waited.try_into().unwrap_or_default());
            Ok(jobs)
        })
        .await
    }

    /// Checks without a lock, because there is usually no due job.
    async fn has_due_jobs(&self, now: Timestamp) -> Result<bool, Error> {
        let mut reader = self.shared.database.reader(Operation::ClaimJobs).await?;
        let mut tx = reader.begin().await?;
        if due::is_any(&mut tx, now).await? {
            return Ok(true);
        }
        self.shared.unknown_channels.warn_once(&mut tx).await?;
        Ok(false)
    }
}

/// The number of first jobs that may be leased together.
fn count_together(jobs: &[Job]) -> usize {
    let is_suspect = |job: &Job| job.attempt > SHARED_ATTEMPTS_MAX;
    jobs.iter().position(is_suspect).unwrap_or(jobs.len()).max(1)
}

fn job(row: &Row, owner: &Arc<str>, key: &Key) -> Result<Job, Error> {
    Ok(Job {
        id: JobId::new(row.int("id")?),
        event_id: EventId::new(row.int("event_id")?),
        channel: row.parsed("channel")?,
        event_type: row.text("event_type")?,
        resource: row.text("resource")?,
        body: Bytes::from(row.bytes("body")?),
        evidence: proof::check_event(key, row)?,
        // Of a changed event, it may be out of range.
        received_at: row.time("received_at").unwrap_or_default(),
        cause: row.parsed("cause")?,
        attempt: row.number::<u32>("attempts")?.saturating_add(1),
        owner: owner.clone(),
        span: span(&row.text("headers")?),
    })
}

/// The span that stored the event, if one was recorded.
fn span(headers: &str) -> Option<SpanIds> {
    // Most have none.
    if !headers.contains(TRACEPARENT) {
        return None;
    }
    let headers: HashMap<Cow<'_, str>, Cow<'_, str>> = serde_json::from_str(headers).ok()?;
    SpanIds::parse(headers.get(TRACEPARENT)?)
}

/// Ends expired leases. Jobs without a further attempt are given up, which is audited.
async fn expire(tx: &mut Transaction<'_>, now: Timestamp) -> Result<Option<Entry>, Error> {
    let rows = tx.fetch_all(sql!(tx.backend().pick(EXPIRED, EXPIRED_UNLOCKED), now)).await?;
    let (mut given_up, mut dead) = (Vec::new(), Vec::new());
    for row in rows {
        let (job, event) = (row.int("id")?, row.int("event_id")?);
        if row.number::<u32>("attempts")? >= ATTEMPTS_MAX {
            tx.execute(sql!(GIVE_UP, job, now)).await?;
            given_up.push(json!({ "job": job, "event": event }));
            dead.push(("dead_letter", event));
        } else {
            tx.execute(sql!(RELEASE, job)).await?;
        }
    }
    if given_up.is_empty() {
        return Ok(None);
    }
    event_reviews::open_events(tx, dead, now).await?;
    let detail = json!({ "reason": "lease", "jobs": given_up });
    WORKER.entry("webhooks.give_up", "webhook_jobs", &detail, now).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::StoreConfig;

    #[tokio::test]
    async fn expired_leases_are_found_among_the_leased_jobs() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("a.db").display());
        let key = Key::new(&[7; 32]).unwrap();
        let store =
            Store::open(StoreConfig::new(url.parse().unwrap()), key, Timestamp::UNIX_EPOCH).await.unwrap();
        let mut reader = store.shared.database.reader(Operation::ClaimJobs).await.unwrap();
        let mut tx = reader.begin().await.unwrap();
        let plan = sql!(format!("EXPLAIN QUERY PLAN {EXPIRED}"), Timestamp::UNIX_EPOCH);
        let rows = tx.fetch_all(plan).await.unwrap();
        let steps: Vec<String> = rows.iter().map(|row| row.text("detail").unwrap()).collect();
        assert_eq!(steps[0], "SCAN webhook_jobs USING INDEX webhook_jobs_leased", "{steps:?}");
    }
}
