//! Dead letters: events whose jobs were given up.

use serde::Serialize;

use crate::database::{Operation, Row, sql};
use crate::error::Error;
use crate::events::{EventSummary, PAGE_ROWS_MAX, SUMMARY, summary};
use crate::ids::JobId;
use crate::store::Store;

/// A given-up job, with its event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// The job to requeue.
    pub job: JobId,
    /// The event, with the state, attempts and reason of this job.
    pub event: EventSummary,
}

impl Store {
    /// Up to `rows` dead letters before a job, latest first.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn dead_letters(&self, before: Option<JobId>, rows: u32) -> Result<Vec<DeadLetter>, Error> {
        let statement = sql!(SUMMARY)
            .push_sql(", j.id AS job FROM webhook_jobs j JOIN webhook_events e ON e.id = j.event_id")
            .push_sql(" WHERE j.state = 'dead'")
            .push_optional(" AND j.id < ", before.map(JobId::get))
            .push_sql(" ORDER BY j.id DESC LIMIT ")
            .push_value(rows.clamp(1, PAGE_ROWS_MAX));
        let dead_letter =
            |row: &Row| Ok(DeadLetter { job: JobId::new(row.int("job")?), event: summary(row)? });
        self.read(Operation::Events, statement).await?.iter().map(dead_letter).collect()
    }
}
