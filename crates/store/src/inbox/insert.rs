//! The statements of a batch, in the fewest round trips of either database.
//!
//! ```text
//! SQLite     a round trip goes to the driver's thread, which hands rows over one by one; there is one writer
//!   INSERT webhook_events (64 rows)      ─> last rowid: all new, so the ids are the last 64 up to it
//!   SELECT id … WHERE dedupe_key IN …    ─> only if some were known
//!   INSERT webhook_jobs (64 rows); SELECT head of the audit chain
//!
//! Postgres   a round trip goes over the network; there are many writers, so only RETURNING knows the ids
//!   WITH stored AS (INSERT webhook_events (64 rows) RETURNING id, …),
//!        jobs   AS (INSERT webhook_jobs SELECT … FROM stored)
//!   SELECT id, dedupe_key FROM stored
//! ```

use std::collections::HashMap;

use audit::Key;

use super::NewEvent;
use crate::chain;
use crate::database::{Backend, ROWS_MAX, Row, Statement, Transaction, Value, sql, values};
use crate::error::Error;
use crate::ids::EventId;
use crate::proof::{self, Kind};

// Without a conflict target, because either of the two keys may be stored already.
const EVENTS: &str = "INSERT INTO webhook_events (provider, channel, transport, event_type, resource, dedupe_key, \
    content_key, key_id, occurred_at, signed_at, received_at, body_sha256, headers, body, proof) VALUES ";
const EVENTS_END: &str = " ON CONFLICT DO NOTHING";

const JOBS: &str =
    "INSERT INTO webhook_jobs (event_id, provider, resource, next_at, created_at, cause, state) VALUES ";
const JOBS_END: &str = concat!("; ", chain::head_sql!());

const EVENTS_AND_JOBS: &str = "WITH stored AS (INSERT INTO webhook_events (provider, channel, transport, event_type, \
    resource, dedupe_key, content_key, key_id, occurred_at, signed_at, received_at, body_sha256, headers, body, proof) VALUES ";
const EVENTS_AND_JOBS_END: &str = " ON CONFLICT DO NOTHING RETURNING id, dedupe_key, provider, resource, received_at), \
    jobs AS (INSERT INTO webhook_jobs (event_id, provider, resource, next_at, created_at, cause, state) \
    SELECT id, provider, resource, received_at, received_at, 'received', 'pending' FROM stored ORDER BY id) \
    SELECT id, dedupe_key FROM stored";

/// Selects the events that have one of some keys.
pub(super) const BY_DEDUPE_KEY: &str = "SELECT id, dedupe_key AS key FROM webhook_events WHERE dedupe_key IN";
pub(super) const BY_CONTENT_KEY: &str =
    "SELECT id, content_key AS key FROM webhook_events WHERE content_key IN";

pub(super) struct InsertResult {
    /// The ids of the new events, by dedupe key.
    pub(super) ids: HashMap<String, EventId>,
    /// The head of the audit chain, if it was selected too.
    pub(super) head: Option<Row>,
}

/// Inserts the new events, each with its first job. Their keys must differ.
pub(super) async fn events(
    tx: &mut Transaction<'_>,
    events: &[&NewEvent],
    key: &Key,
) -> Result<InsertResult, Error> {
    match tx.backend() {
        Backend::Sqlite => sqlite(tx, events, key).await,
        Backend::Postgres => postgres(tx, events, key).await,
    }
}

async fn postgres(tx: &mut Transaction<'_>, events: &[&NewEvent], key: &Key) -> Result<InsertResult, Error> {
    let rows = events.iter().map(|event| event_values(event, key)).collect();
    let rows = tx.insert_rows(EVENTS_AND_JOBS, rows, EVENTS_AND_JOBS_END).await?;
    let id = |row: &Row| Ok((row.text("dedupe_key")?, EventId::new(row.int("id")?)));
    Ok(InsertResult { ids: rows.iter().map(id).collect::<Result<_, Error>>()?, head: None })
}

async fn sqlite(tx: &mut Transaction<'_>, events: &[&NewEvent], key: &Key) -> Result<InsertResult, Error> {
    let mut ids = HashMap::with_capacity(events.len());
    for events in events.chunks(ROWS_MAX) {
        let rows = events.iter().map(|event| event_values(event, key)).collect();
        let changes = tx.execute(Statement::insert(tx.backend(), EVENTS, rows, EVENTS_END)).await?;
        // The next rowid of a table is one more than its greatest, and this transaction is the only writer.
        let end = changes.last_id.saturating_add(1);
        let new = end.saturating_sub_unsigned(changes.rows)..end;
        if new.clone().count() == events.len() {
            let keys = events.iter().map(|event| event.dedupe_key.clone());
            ids.extend(keys.zip(new.map(EventId::new)));
        } else if !new.is_empty() {
            let keys: Vec<&str> = events.iter().map(|event| event.dedupe_key.as_str()).collect();
            let stored = find(tx, BY_DEDUPE_KEY, &keys).await?;
            ids.extend(stored.into_iter().filter(|(_, id)| new.contains(&id.get())));
        }
    }
    let jobs = events.iter().filter_map(|event| Some(job_values(*ids.get(&event.dedupe_key)?, event)));
    let mut heads = tx.insert_rows(JOBS, jobs.collect(), JOBS_END).await?;
    Ok(InsertResult { ids, head: heads.pop() })
}

/// The ids of stored events, by the key that `select` names.
pub(super) async fn find(
    tx: &mut Transaction<'_>,
    select: &'static str,
    keys: &[&str],
) -> Result<HashMap<String, EventId>, Error> {
    let rows = tx.fetch_in(sql!(select), keys, "").await?;
    rows.iter().map(|row| Ok((row.text("key")?, EventId::new(row.int("id")?)))).collect()
}

/// The columns that the proof covers, and the others.
fn event_values(event: &NewEvent, key: &Key) -> Vec<Value> {
    let NewEvent {
        provider,
        channel,
        transport,
        event_type,
        resource,
        dedupe_key,
        content_key,
        key_id,
        occurred_at,
        signed_at,
        received_at,
        headers,
        body,
        body_sha256,
    } = event;
    let mut columns = values![
        provider.as_str(),
        *channel,
        *transport,
        event_type,
        resource,
        dedupe_key,
        content_key.clone(),
        key_id,
        *occurred_at,
        *signed_at,
        *received_at,
        *body_sha256,
    ];
    let proof = proof::prove(key, Kind::Event, &columns);
    columns.extend(values![headers, &body[..], proof]);
    columns
}

fn job_values(id: EventId, event: &NewEvent) -> Vec<Value> {
    let at = event.received_at;
    values![id.get(), event.provider.as_str(), &event.resource, at, at, "received", "pending"]
}
