//! One kept delivery, whole.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::EventLine;
use super::filter::FROM;
use super::list::{LINE, line};
use crate::database::{Row, Statement, values};
use crate::error::Error;
use crate::ids::{EventId, WorkId};
use crate::store::Store;
use crate::work::{Cause, WorkState};

/// Pieces of work that are shown of one delivery: the latest.
const WORK_SHOWN_MAX: u32 = 100;

/// A kept delivery with all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventDetail {
    /// As in a list.
    pub line: EventLine,
    /// Under which key it is kept once.
    pub dedupe_key: String,
    /// A second such key.
    pub content_key: Option<String>,
    /// What the key is called that it was signed with.
    pub key_id: String,
    /// When it was signed, when the signature covers a time.
    pub signed_at: Option<Timestamp>,
    /// The headers that prove it; empty when redacted.
    pub headers: BTreeMap<String, String>,
    /// The bytes that were verified; empty when redacted.
    pub body: Vec<u8>,
    /// The SHA-256 of those bytes, which outlives them, in hexadecimal digits.
    pub body_sha256: String,
    /// What was done about it, latest first.
    pub work: Vec<WorkLine>,
}

/// A piece of work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorkLine {
    /// Its id.
    pub id: WorkId,
    /// Why there is work.
    pub cause: Cause,
    /// How far it is.
    pub state: WorkState,
    /// How often it was tried.
    pub attempts: u32,
    /// What its last failure was, or why it means nothing for the books.
    pub reason: Option<String>,
    /// Since when.
    pub created_at: Timestamp,
    /// When it is tried next, or was last.
    pub next_at: Timestamp,
    /// Until when.
    pub finished_at: Option<Timestamp>,
}

impl Store {
    /// One kept delivery; `None` when there is none with this id.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn event(&self, id: EventId) -> Result<Option<EventDetail>, Error> {
        let mut statement = Statement::new(LINE);
        statement
            .words(", e.dedupe_key, e.content_key, e.key_id, e.signed_at, e.headers, e.body, e.body_sha256");
        statement.words(FROM).words(" AND e.id = ").value(id.get());
        let (sql, values) = statement.finish();
        let mut reader = self.shared.database.reader().await?;
        let mut tx = reader.begin().await?;
        let rows = tx.rows_made(sql, values).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let work = "SELECT id, cause, state, attempts, last_error, created_at, next_at, finished_at FROM webhook_work \
                    WHERE event_id = $1 ORDER BY id DESC LIMIT $2";
        let work = tx.rows(work, values![id.get(), WORK_SHOWN_MAX]).await?;
        let work = work.iter().map(work_line).collect::<Result<Vec<_>, _>>()?;
        detail(row, work).map(Some)
    }
}

fn detail(row: &Row, work: Vec<WorkLine>) -> Result<EventDetail, Error> {
    Ok(EventDetail {
        line: line(row)?,
        dedupe_key: row.text("dedupe_key")?,
        content_key: row.maybe_text("content_key")?,
        key_id: row.text("key_id")?,
        signed_at: row.maybe_time("signed_at")?,
        headers: serde_json::from_str(&row.text("headers")?).map_err(|_| Error::unreadable("headers"))?,
        body: row.bytes("body")?,
        body_sha256: crate::hex::lower(&row.bytes("body_sha256")?),
        work,
    })
}

pub(crate) fn work_line(row: &Row) -> Result<WorkLine, Error> {
    Ok(WorkLine {
        id: WorkId::new(row.int("id")?),
        cause: row.parsed("cause")?,
        state: row.parsed("state")?,
        attempts: row.count("attempts")?,
        reason: row.maybe_text("last_error")?,
        created_at: row.time("created_at")?,
        next_at: row.time("next_at")?,
        finished_at: row.maybe_time("finished_at")?,
    })
}
