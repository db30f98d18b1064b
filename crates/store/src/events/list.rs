//! Lists of kept deliveries, newest first, page by page.

use domain::Provider;
use jiff::Timestamp;
use serde::Serialize;

use super::Filter;
use super::filter::FROM;
use crate::database::{Row, Statement};
use crate::error::Error;
use crate::ids::EventId;
use crate::store::Store;
use crate::work::WorkState;

/// Rows of a page, at most.
pub const PAGE_ROWS_MAX: u32 = 500;

/// Which part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Only what is older than this.
    pub before: Option<EventId>,
    /// How many rows; at most [`PAGE_ROWS_MAX`].
    pub rows: u32,
}

/// A kept delivery in a list, without its body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventLine {
    /// Its id.
    pub id: EventId,
    /// Whose it is.
    pub provider: Provider,
    /// Where it came in.
    pub channel: String,
    /// `webhook` or `stream`.
    pub transport: String,
    /// What its source calls this kind of event.
    pub event_type: String,
    /// What it is about.
    pub object: String,
    /// When it happened, when the body says so.
    pub occurred_at: Option<Timestamp>,
    /// When it was received.
    pub received_at: Timestamp,
    /// When its body was emptied.
    pub redacted_at: Option<Timestamp>,
    /// How far its latest work is.
    pub state: WorkState,
    /// How often that was tried.
    pub attempts: u32,
    /// What its last failure was, or why it means nothing for the books.
    pub reason: Option<String>,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Events {
    /// Newest first.
    pub events: Vec<EventLine>,
    /// What to ask for next as [`Page::before`]; `None` at the end.
    pub next_before: Option<EventId>,
}

pub(crate) const LINE: &str = "SELECT e.id, e.provider, e.channel, e.transport, e.event_type, e.object, e.occurred_at, \
    e.received_at, e.redacted_at, w.state, w.attempts, w.last_error";

impl Store {
    /// Kept deliveries, newest first.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn events(&self, filter: &Filter, page: Page) -> Result<Events, Error> {
        let rows = page.rows.clamp(1, PAGE_ROWS_MAX);
        let mut statement = Statement::new(LINE);
        statement.words(FROM);
        filter.narrow(&mut statement);
        statement.given(" AND e.id < ", page.before.map(EventId::get));
        statement.words(" ORDER BY e.id DESC LIMIT ").value(rows);
        let (sql, values) = statement.finish();
        let mut reader = self.shared.database.reader().await?;
        let found = reader.begin().await?.rows_made(sql, values).await?;
        let events = found.iter().map(line).collect::<Result<Vec<_>, _>>()?;
        let is_full = u32::try_from(events.len()).is_ok_and(|found| found == rows);
        let next_before = events.last().filter(|_| is_full).map(|last| last.id);
        Ok(Events { events, next_before })
    }
}

pub(crate) fn line(row: &Row) -> Result<EventLine, Error> {
    Ok(EventLine {
        id: EventId::new(row.int("id")?),
        provider: row.parsed("provider")?,
        channel: row.text("channel")?,
        transport: row.text("transport")?,
        event_type: row.text("event_type")?,
        object: row.text("object")?,
        occurred_at: row.maybe_time("occurred_at")?,
        received_at: row.time("received_at")?,
        redacted_at: row.maybe_time("redacted_at")?,
        state: row.parsed("state")?,
        attempts: row.count("attempts")?,
        reason: row.maybe_text("last_error")?,
    })
}
