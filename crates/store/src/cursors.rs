//! Up to where streams have been read and kept.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::database::{Transaction, values};
use crate::error::Error;

const ADVANCE: &str = "INSERT INTO stream_cursors (stream, position, updated_at) VALUES ($1, $2, $3) \
    ON CONFLICT (stream) DO UPDATE SET position = excluded.position, updated_at = excluded.updated_at \
    WHERE stream_cursors.position <> excluded.position";

/// Sets the position of each stream, and says which of them that moved.
pub(crate) async fn advance<'c>(
    tx: &mut Transaction<'_>,
    cursors: BTreeMap<&'c str, &'c str>,
    now: Timestamp,
) -> Result<BTreeMap<&'c str, &'c str>, Error> {
    let mut moved = BTreeMap::new();
    for (stream, position) in cursors {
        if tx.execute(ADVANCE, values![stream, position, now]).await? > 0 {
            moved.insert(stream, position);
        }
    }
    Ok(moved)
}

/// Where a stream was left.
pub(crate) async fn position(tx: &mut Transaction<'_>, stream: &str) -> Result<Option<String>, Error> {
    let row = tx.row("SELECT position FROM stream_cursors WHERE stream = $1", values![stream]).await?;
    row.map(|row| row.text("position")).transpose()
}
