//! The statements of a batch.

use std::collections::HashMap;

use super::Record;
use crate::database::{Row, Transaction, Value, many, values};
use crate::error::Error;
use crate::ids::EventId;

/// Rows of one statement. A connection keeps the texts for every count up to this prepared.
const ROWS_MAX: usize = 64;

const EVENT: &str = "INSERT INTO webhook_events (provider, channel, transport, event_type, object, dedupe_key, \
    content_key, key_id, occurred_at, signed_at, received_at, headers, body, body_sha256) VALUES ";
const EVENT_COLUMNS: usize = 14;
// Without a target: whichever of the two keys is known already.
const EVENT_END: &str = " ON CONFLICT DO NOTHING RETURNING id, dedupe_key";

const WORK: &str =
    "INSERT INTO webhook_work (event_id, provider, object, next_at, created_at, cause, state) VALUES ";
const WORK_COLUMNS: usize = 5;

/// Where a key is kept.
#[derive(Clone, Copy)]
pub(super) enum KeyColumn {
    Dedupe,
    Content,
}

/// Writes the records that are new and gives the ids that they got, by dedupe key. No two records have a key in common.
pub(super) async fn events(
    tx: &mut Transaction<'_>,
    records: &[&Record],
) -> Result<HashMap<String, EventId>, Error> {
    let mut ids = HashMap::with_capacity(records.len());
    for records in records.chunks(ROWS_MAX) {
        let sql = many(tx.backend(), EVENT, records.len(), EVENT_COLUMNS, "", EVENT_END);
        let values = records.iter().copied().flat_map(of_event).collect();
        for row in tx.rows_made(sql, values).await? {
            ids.insert(row.text("dedupe_key")?, EventId::new(row.int("id")?));
        }
    }
    Ok(ids)
}

/// Gives each new event its first piece of work.
pub(super) async fn work(tx: &mut Transaction<'_>, events: &[(EventId, &Record)]) -> Result<(), Error> {
    for events in events.chunks(ROWS_MAX) {
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
