//! Deliveries that were given up, as operators look at them.

use serde::Serialize;

use crate::database::{Row, Statement};
use crate::error::Error;
use crate::events::{EventLine, PAGE_ROWS_MAX};
use crate::ids::WorkId;
use crate::store::Store;

/// Work that was given up, with its delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// The work, to ask for it again.
    pub work: WorkId,
    /// The delivery, with the state, attempts and reason of this work.
    pub event: EventLine,
}

impl Store {
    /// Work that was given up, latest first, from before a piece of work.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn dead_letters(&self, before: Option<WorkId>, rows: u32) -> Result<Vec<DeadLetter>, Error> {
        let mut statement = Statement::new(
            "SELECT w.id AS work, e.id, e.provider, e.channel, e.transport, e.event_type, e.object, e.occurred_at, \
             e.received_at, e.redacted_at, w.state, w.attempts, w.last_error \
             FROM webhook_work w JOIN webhook_events e ON e.id = w.event_id WHERE w.state = 'dead'",
        );
        statement.given(" AND w.id < ", before.map(WorkId::get));
        statement.words(" ORDER BY w.id DESC LIMIT ").value(rows.clamp(1, PAGE_ROWS_MAX));
        let (sql, values) = statement.finish();
        let mut reader = self.shared.database.reader().await?;
        let found = reader.begin().await?.rows_made(sql, values).await?;
        found.iter().map(dead_letter).collect()
    }
}

fn dead_letter(row: &Row) -> Result<DeadLetter, Error> {
    Ok(DeadLetter { work: WorkId::new(row.int("work")?), event: crate::events::line(row)? })
}
