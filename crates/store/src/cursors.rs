//! Positions up to which streams have been stored.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::database::{Transaction, sql};
use crate::error::Error;

const ADVANCE: &str = "INSERT INTO stream_cursors (stream, position, updated_at) VALUES ($1, $2, $3) \
    ON CONFLICT (stream) DO UPDATE SET position = excluded.position, updated_at = excluded.updated_at \
    WHERE stream_cursors.position <> excluded.position";

/// Sets the position of each stream; returns the streams that moved.
pub(crate) async fn advance<'c>(
    tx: &mut Transaction<'_>,
    cursors: BTreeMap<&'c str, &'c str>,
    now: Timestamp,
) -> Result<BTreeMap<&'c str, &'c str>, Error> {
    let mut moved = BTreeMap::new();
    for (stream, position) in cursors {
        if tx.execute(sql!(ADVANCE, stream, position, now)).await?.rows > 0 {
            moved.insert(stream, position);
        }
    }
    Ok(moved)
}
