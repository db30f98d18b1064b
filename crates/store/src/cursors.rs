//! Up to where streams have been read and kept.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::database::{Transaction, values};
use crate::error::Error;

/// Sets the position of each stream.
pub(crate) async fn advance(
    tx: &mut Transaction<'_>,
    cursors: &BTreeMap<&str, &str>,
    now: Timestamp,
) -> Result<(), Error> {
    let sql = "INSERT INTO stream_cursors (stream, position, updated_at) VALUES ($1, $2, $3) \
               ON CONFLICT (stream) DO UPDATE SET position = excluded.position, updated_at = excluded.updated_at";
    for (stream, position) in cursors {
        tx.execute(sql, values![*stream, *position, now]).await?;
    }
    Ok(())
}

/// Where a stream was left.
pub(crate) async fn position(tx: &mut Transaction<'_>, stream: &str) -> Result<Option<String>, Error> {
    let row = tx.row("SELECT position FROM stream_cursors WHERE stream = $1", values![stream]).await?;
    row.map(|row| row.text("position")).transpose()
}
