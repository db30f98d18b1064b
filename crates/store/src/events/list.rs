//! Lists of stored events, newest first, page by page.

use domain::Provider;
use jiff::Timestamp;
use serde::Serialize;

use super::filter::{EventFilter, WITH_LATEST_JOB};
use crate::database::{Operation, Row, sql};
use crate::error::Error;
use crate::ids::EventId;
use crate::jobs::JobState;
use crate::store::Store;

/// Most rows of a page.
pub const PAGE_ROWS_MAX: u32 = 500;

/// Selects one page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Only events older than this one.
    pub before: Option<EventId>,
    /// Rows of the page, at most [`PAGE_ROWS_MAX`].
    pub rows: u32,
}

/// A stored event in a list, without its body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventSummary {
    /// The id of the event.
    pub id: EventId,
    /// The provider that sent it.
    pub provider: Provider,
    /// The channel on which it was received; a newer program may have more channels.
    pub channel: String,
    /// `webhook` or `stream`.
    pub transport: String,
    /// The provider's name of its type.
    pub event_type: String,
    /// The resource that it is about.
    pub resource: String,
    /// Time of the event, if the body contains it.
    pub occurred_at: Option<Timestamp>,
    /// Time of receipt.
    pub received_at: Timestamp,
    /// Time at which its body was redacted.
    pub redacted_at: Option<Timestamp>,
    /// The state of its latest job.
    pub state: JobState,
    /// Number of leases of that job.
    pub attempts: u32,
    /// The last error of that job, or why the event is unhandled.
    pub reason: Option<String>,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventPage {
    /// Events, newest first.
    pub events: Vec<EventSummary>,
    /// [`PageRequest::before`] of the next page; `None` at the end.
    pub next_before: Option<EventId>,
}

pub(crate) const SUMMARY: &str = "SELECT e.id, e.provider, e.channel, e.transport, e.event_type, e.resource, \
    e.occurred_at, e.received_at, e.redacted_at, j.state, j.attempts, j.last_error";

impl Store {
    /// Stored events, newest first.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn events(&self, filter: &EventFilter, page: PageRequest) -> Result<EventPage, Error> {
        let limit = page.rows.clamp(1, PAGE_ROWS_MAX);
        let statement = filter
            .apply(sql!(SUMMARY).push_sql(WITH_LATEST_JOB))
            .push_optional(" AND e.id < ", page.before.map(EventId::get))
            .push_sql(" ORDER BY e.id DESC LIMIT ")
            .push_value(limit);
        let events = self
            .read(Operation::Events, statement)
            .await?
            .iter()
            .map(summary)
            .collect::<Result<Vec<_>, _>>()?;
        let next_before = events.last().filter(|_| events.len() == limit as usize).map(|last| last.id);
        Ok(EventPage { events, next_before })
    }
}

pub(crate) fn summary(row: &Row) -> Result<EventSummary, Error> {
    Ok(EventSummary {
        id: EventId::new(row.int("id")?),
        provider: row.parsed("provider")?,
        channel: row.text("channel")?,
        transport: row.text("transport")?,
        event_type: row.text("event_type")?,
        resource: row.text("resource")?,
        occurred_at: row.optional_time("occurred_at")?,
        received_at: row.time("received_at")?,
        redacted_at: row.optional_time("redacted_at")?,
        state: row.parsed("state")?,
        attempts: row.number("attempts")?,
        reason: row.optional_text("last_error")?,
    })
}
