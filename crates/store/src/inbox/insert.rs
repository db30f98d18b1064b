//! The statements of a batch.

use std::collections::HashMap;

use super::Record;
use crate::chain;
use crate::database::{Backend, ROWS_MAX, Row, Transaction, Value, values};
use crate::error::Error;
use crate::ids::EventId;

// Without a target for the conflict: whichever of the two keys is known already.
const EVENT: &str = "INSERT INTO webhook_events (provider, channel, transport, event_type, object, dedupe_key, \
    content_key, key_id, occurred_at, signed_at, received_at, headers, body, body_sha256) VALUES ";
const EVENT_END: &str = " ON CONFLICT DO NOTHING";

const WORK: &str =
    "INSERT INTO webhook_work (event_id, provider, object, next_at, created_at, cause, state) VALUES ";
// The head of the audit chain comes along, which saves a journey to SQLite's thread.
const WORK_END: &str = concat!("; ", chain::head_sql!());

// Postgres does both in one, since each of its statements is a journey over the network.
const EVENT_AS_ONE: &str = "WITH kept AS (INSERT INTO webhook_events (provider, channel, transport, event_type, object, \
    dedupe_key, content_key, key_id, occurred_at, signed_at, received_at, headers, body, body_sha256) VALUES ";
const EVENT_AS_ONE_END: &str = " ON CONFLICT DO NOTHING RETURNING id, dedupe_key, provider, object, received_at), \
    work AS (INSERT INTO webhook_work (event_id, provider, object, next_at, created_at, cause, state) \
    SELECT id, provider, object, received_at, received_at, 'received', 'pending' FROM kept ORDER BY id) \
    SELECT id, dedupe_key FROM kept";

/// Where a key is kept.
#[derive(Clone, Copy)]
pub(super) enum KeyColumn {
    Dedupe,
    Content,
}

/// What became of records.
pub(super) struct Inserted {
    /// The ids of those that were new, by dedupe key.
    pub(super) ids: HashMap<String, EventId>,
    /// The head of the audit chain, where it came along.
    pub(super) head: Option<Row>,
}

/// Writes the records that are new, each with its first piece of work. No two records have a key in common.
pub(super) async fn events(tx: &mut Transaction<'_>, records: &[&Record]) -> Result<Inserted, Error> {
    match tx.backend() {
        Backend::Sqlite => sqlite(tx, records).await,
        Backend::Postgres => postgres(tx, records).await,
    }
}

async fn postgres(tx: &mut Transaction<'_>, records: &[&Record]) -> Result<Inserted, Error> {
    let rows = records.iter().copied().map(of_event).collect();
    let rows = tx.write_rows_returning(EVENT_AS_ONE, rows, EVENT_AS_ONE_END).await?;
    let id = |row: &Row| Ok((row.text("dedupe_key")?, EventId::new(row.int("id")?)));
    Ok(Inserted { ids: rows.iter().map(id).collect::<Result<_, Error>>()?, head: None })
}

/// SQLite hands rows over one by one, and numbers what its only writer inserts one after the other: where every record was
/// new their numbers are known without asking.
async fn sqlite(tx: &mut Transaction<'_>, records: &[&Record]) -> Result<Inserted, Error> {
    let mut ids = HashMap::with_capacity(records.len());
    for records in records.chunks(ROWS_MAX) {
        let added = tx.add_rows(EVENT, records.iter().copied().map(of_event).collect(), EVENT_END).await?;
        if added.clone().count() == records.len() {
            let keys = records.iter().map(|record| record.dedupe_key.clone());
            ids.extend(keys.zip(added.map(EventId::new)));
        } else if !added.is_empty() {
            let keys: Vec<&str> = records.iter().map(|record| record.dedupe_key.as_str()).collect();
            let known = known(tx, KeyColumn::Dedupe, &keys).await?;
            ids.extend(known.into_iter().filter(|(_, id)| added.contains(&id.get())));
        }
    }
    let new = records.iter().filter_map(|record| Some(of_work(*ids.get(&record.dedupe_key)?, record)));
    let mut heads = tx.write_rows_returning(WORK, new.collect(), WORK_END).await?;
    Ok(Inserted { ids, head: heads.pop() })
}

/// The ids of the events that have one of these keys.
pub(super) async fn known(
    tx: &mut Transaction<'_>,
    column: KeyColumn,
    keys: &[&str],
) -> Result<HashMap<String, EventId>, Error> {
    let start = match column {
        KeyColumn::Dedupe => "SELECT id, dedupe_key AS name FROM webhook_events WHERE dedupe_key IN",
        KeyColumn::Content => "SELECT id, content_key AS name FROM webhook_events WHERE content_key IN",
    };
    let rows = tx.rows_among(start, keys, "").await?;
    rows.iter().map(|row| Ok((row.text("name")?, EventId::new(row.int("id")?)))).collect()
}

fn of_event(record: &Record) -> Vec<Value> {
    let Record {
        provider,
        channel,
        transport,
        event_type,
        object,
        dedupe_key,
        content_key,
        key_id,
        occurred_at,
        signed_at,
        received_at,
        headers,
        body,
        body_sha256,
    } = record;
    values![
        provider.as_str(),
        *channel,
        *transport,
        event_type,
        object,
        dedupe_key,
        content_key.clone(),
        key_id,
        *occurred_at,
        *signed_at,
        *received_at,
        headers,
        &body[..],
        *body_sha256,
    ]
}

fn of_work(id: EventId, record: &Record) -> Vec<Value> {
    let at = record.received_at;
    values![id.get(), record.provider.as_str(), &record.object, at, at, "received", "pending"]
}
