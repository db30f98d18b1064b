//! The details of a stored event.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::filter::WITH_LATEST_JOB;
use super::list::{EventSummary, SUMMARY, summary};
use crate::database::{Operation, Row, sql};
use crate::error::Error;
use crate::ids::{EventId, JobId};
use crate::jobs::{JobCause, JobState};
use crate::store::Store;

/// Most listed jobs of one event, the latest first.
const JOBS_MAX: u32 = 100;

const JOBS: &str = "SELECT id, cause, state, attempts, last_error, created_at, next_at, finished_at FROM webhook_jobs \
    WHERE event_id = $1 ORDER BY id DESC LIMIT $2";

/// The details of a stored event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventDetail {
    /// The event as listed.
    pub summary: EventSummary,
    /// Key of the delivery: another delivery with this key is a duplicate.
    pub dedupe_key: String,
    /// Key of the content, if several channels deliver the same content.
    pub content_key: Option<String>,
    /// The name of the key that verified the signature.
    pub key_id: String,
    /// Time of the signature, if it covers one.
    pub signed_at: Option<Timestamp>,
    /// The headers that the signature needs; empty when redacted.
    pub headers: BTreeMap<String, String>,
    /// The bytes that were verified; empty when redacted.
    pub body: Vec<u8>,
    /// SHA-256 of the body in hexadecimal digits, which remains after redaction.
    pub body_sha256: String,
    /// Its jobs, latest first.
    pub jobs: Vec<JobSummary>,
}

/// A job of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JobSummary {
    /// The id of the job.
    pub id: JobId,
    /// Cause.
    pub cause: JobCause,
    /// Present state.
    pub state: JobState,
    /// Number of leases.
    pub attempts: u32,
    /// Its last error, or why the event is unhandled.
    pub reason: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Time at which it is or last was due.
    pub next_at: Timestamp,
    /// Time at which it reached a final state.
    pub finished_at: Option<Timestamp>,
}

impl Store {
    /// One stored event; `None` if there is none with this id.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn event(&self, id: EventId) -> Result<Option<EventDetail>, Error> {
        let event = sql!(SUMMARY)
            .push_sql(
                ", e.dedupe_key, e.content_key, e.key_id, e.signed_at, e.headers, e.body, e.body_sha256",
            )
            .push_sql(WITH_LATEST_JOB)
            .push_sql(" AND e.id = ")
            .push_value(id.get());
        let mut reader = self.shared.database.reader(Operation::Events).await?;
        let mut tx = reader.begin().await?;
        let Some(row) = tx.fetch_optional(event).await? else { return Ok(None) };
        let jobs = tx.fetch_all(sql!(JOBS, id.get(), JOBS_MAX)).await?;
        detail(&row, jobs.iter().map(job_summary).collect::<Result<_, _>>()?).map(Some)
    }
}

fn detail(row: &Row, jobs: Vec<JobSummary>) -> Result<EventDetail, Error> {
    Ok(EventDetail {
        summary: summary(row)?,
        dedupe_key: row.text("dedupe_key")?,
        content_key: row.optional_text("content_key")?,
        key_id: row.text("key_id")?,
        signed_at: row.optional_time("signed_at")?,
        headers: serde_json::from_str(&row.text("headers")?).map_err(|_| Error::decode("headers"))?,
        body: row.bytes("body")?,
        body_sha256: hex::encode(row.bytes("body_sha256")?),
        jobs,
    })
}

fn job_summary(row: &Row) -> Result<JobSummary, Error> {
    Ok(JobSummary {
        id: JobId::new(row.int("id")?),
        cause: row.parsed("cause")?,
        state: row.parsed("state")?,
        attempts: row.number("attempts")?,
        reason: row.optional_text("last_error")?,
        created_at: row.time("created_at")?,
        next_at: row.time("next_at")?,
        finished_at: row.optional_time("finished_at")?,
    })
}
