//! The statements of a batch.

use std::collections::HashMap;

use super::Record;
use crate::database::{Backend, Row, Transaction, Value, many, values};
use crate::error::Error;
use crate::ids::EventId;

/// Rows of one statement. A connection keeps the texts for every count up to this prepared.
const ROWS_MAX: usize = 64;

const EVENT_COLUMNS: usize = 14;
const EVENT: &str = "INSERT INTO webhook_events (provider, channel, transport, event_type, object, dedupe_key, \
    content_key, key_id, occurred_at, signed_at, received_at, headers, body, body_sha256) VALUES ";
// Without a target: whichever of the two keys is known already.
const EVENT_END: &str = " ON CONFLICT DO NOTHING RETURNING id, dedupe_key";

const WORK_COLUMNS: usize = 5;
const WORK: &str =
    "INSERT INTO webhook_work (event_id, provider, object, next_at, created_at, cause, state) VALUES ";

// Postgres does both in one, since each of its statements is a journey over the network.
const EVENT_WITH_WORK: &str = "WITH kept AS (INSERT INTO webhook_events (provider, channel, transport, event_type, object, \
    dedupe_key, content_key, key_id, occurred_at, signed_at, received_at, headers, body, body_sha256) VALUES ";
const EVENT_WITH_WORK_END: &str = " ON CONFLICT DO NOTHING RETURNING id, dedupe_key, provider, object, received_at), \
    work AS (INSERT INTO webhook_work (event_id, provider, object, next_at, created_at, cause, state) \
    SELECT id, provider, object, received_at, received_at, 'received', 'pending' FROM kept ORDER BY id) \
    SELECT id, dedupe_key FROM kept";

/// Where a key is kept.
#[derive(Clone, Copy)]
pub(super) enum KeyColumn {
    Dedupe,
    Content,
}

/// Writes the records that are new, each with its first piece of work, and gives the ids that they got, by dedupe key. No
/// two records have a key in common.
pub(super) async fn events(
    tx: &mut Transaction<'_>,
    records: &[&Record],
) -> Result<HashMap<String, EventId>, Error> {
    let mut ids = HashMap::with_capacity(records.len());
    for records in records.chunks(ROWS_MAX) {
        let start = tx.backend().pick(EVENT, EVENT_WITH_WORK);
        let end = tx.backend().pick(EVENT_END, EVENT_WITH_WORK_END);
        let sql = many(tx.backend(), start, records.len(), EVENT_COLUMNS, "", end);
        let values = records.iter().copied().flat_map(of_event).collect();
        for row in tx.rows_made(sql, values).await? {
            ids.insert(row.text("dedupe_key")?, EventId::new(row.int("id")?));
        }
    }
    if tx.backend() == Backend::Sqlite {
        work(tx, records, &ids).await?;
    }
    Ok(ids)
}

async fn work(
    tx: &mut Transaction<'_>,
    records: &[&Record],
    ids: &HashMap<String, EventId>,
) -> Result<(), Error> {
    let new: Vec<(EventId, &Record)> =
        records.iter().filter_map(|record| Some((*ids.get(&record.dedupe_key)?, *record))).collect();
    for events in new.chunks(ROWS_MAX) {
        let sql = many(tx.backend(), WORK, events.len(), WORK_COLUMNS, ", 'received', 'pending'", "");
        tx.execute_made(sql, events.iter().flat_map(of_work).collect()).await?;
    }
    Ok(())
}

/// The ids of the events that have one of these keys.
pub(super) async fn known(
    tx: &mut Transaction<'_>,
    column: KeyColumn,
    keys: &[&str],
) -> Result<HashMap<String, EventId>, Error> {
    let start = match column {
        KeyColumn::Dedupe => "SELECT id, dedupe_key AS name FROM webhook_events WHERE dedupe_key IN ",
        KeyColumn::Content => "SELECT id, content_key AS name FROM webhook_events WHERE content_key IN ",
    };
    let mut ids = HashMap::with_capacity(keys.len());
    for keys in keys.chunks(ROWS_MAX) {
        let sql = many(tx.backend(), start, 1, keys.len(), "", "");
        let rows: Vec<Row> = tx.rows_made(sql, keys.iter().map(|key| Value::from(*key)).collect()).await?;
        for row in rows {
            ids.insert(row.text("name")?, EventId::new(row.int("id")?));
        }
    }
    Ok(ids)
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

fn of_work((id, record): &(EventId, &Record)) -> Vec<Value> {
    let at = record.received_at;
    values![id.get(), record.provider.as_str(), &record.object, at, at]
}
