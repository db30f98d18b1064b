//! One batch of deliveries: finds the new ones and stores them in a transaction.

use std::collections::{BTreeMap, HashMap};

use audit::{Entry, Key};
use jiff::Timestamp;
use serde::Serialize;

use super::conflict::Conflicts;
use super::insert::{self, BY_CONTENT_KEY, BY_DEDUPE_KEY, InsertResult};
use super::{Cursor, NewEvent, Receipt};
use crate::cursors;
use crate::database::{Row, Transaction};
use crate::error::Error;
use crate::ids::EventId;

#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    pub(super) event: &'a NewEvent,
    pub(super) cursor: Option<&'a Cursor>,
}

/// The result of writing a batch, before its commit.
pub(super) struct BatchWrite {
    /// A receipt for each item, in order.
    pub(super) receipts: Vec<Receipt>,
    /// The audit entry; `None` when nothing was written.
    pub(super) entry: Option<Entry>,
    /// The head of the audit chain, if it was already read.
    pub(super) head: Option<Row>,
}

/// Writes a batch in a transaction. The caller then appends the audit entry.
pub(super) async fn write(
    tx: &mut Transaction<'_>,
    items: &[Item<'_>],
    key: &Key,
) -> Result<BatchWrite, Error> {
    let distinct = distinct(items);
    let InsertResult { ids, head } = insert::events(tx, &distinct, key).await?;
    let new: Vec<(EventId, &NewEvent)> =
        distinct.iter().filter_map(|event| Some((*ids.get(&event.dedupe_key)?, *event))).collect();
    let stored_events = KnownEvents::find(tx, items, &ids).await?;
    let conflicts = Conflicts::store(tx, &copies(items, &new, &stored_events), key).await?;
    let now = items.iter().map(|item| item.event.received_at).max().unwrap_or_default();
    let moved = cursors::advance(tx, cursors_of(items), now).await?;
    let receipts = receipts(items, ids, &stored_events, &conflicts)?;
    let differing: Vec<EventId> = conflicts.new.iter().map(|(id, _)| *id).collect();
    let new: Vec<(EventId, &NewEvent)> =
        new.into_iter().chain(conflicts.new.iter().map(|(id, event)| (*id, event))).collect();
    let is_empty = new.is_empty() && moved.is_empty();
    let entry = if is_empty { None } else { Some(entry(&new, &differing, &moved, now)?) };
    Ok(BatchWrite { receipts, entry, head })
}

/// The events without repeated keys, in order of their keys, so that two processes that insert the same keys cannot
/// deadlock.
fn distinct<'a>(items: &[Item<'a>]) -> Vec<&'a NewEvent> {
    let mut by_key: BTreeMap<&str, &NewEvent> = BTreeMap::new();
    let mut contents: HashMap<&str, &str> = HashMap::new();
    for Item { event, .. } in items {
        let key = event.dedupe_key.as_str();
        let is_first =
            event.content_key.as_deref().is_none_or(|content| *contents.entry(content).or_insert(key) == key);
        if is_first {
            by_key.entry(key).or_insert(event);
        }
    }
    by_key.into_values().collect()
}

/// The last cursor of each stream.
fn cursors_of<'a>(items: &[Item<'a>]) -> BTreeMap<&'a str, &'a str> {
    items
        .iter()
        .filter_map(|item| item.cursor)
        .map(|cursor| (cursor.stream.as_str(), cursor.position.as_str()))
        .collect()
}

/// Events that were stored before this batch, by the keys that the batch could not insert.
struct KnownEvents {
    by_dedupe_key: HashMap<String, EventId>,
    by_content_key: HashMap<String, EventId>,
}

impl KnownEvents {
    async fn find(
        tx: &mut Transaction<'_>,
        items: &[Item<'_>],
        new: &HashMap<String, EventId>,
    ) -> Result<Self, Error> {
        let missing =
            || items.iter().map(|item| item.event).filter(|event| !new.contains_key(&event.dedupe_key));
        let keys = sorted(missing().map(|event| event.dedupe_key.as_str()));
        let by_dedupe_key = insert::find(tx, BY_DEDUPE_KEY, &keys).await?;
        let unexplained = missing().filter(|event| !by_dedupe_key.contains_key(&event.dedupe_key));
        let keys = sorted(unexplained.filter_map(|event| event.content_key.as_deref()));
        let by_content_key = insert::find(tx, BY_CONTENT_KEY, &keys).await?;
        Ok(Self { by_dedupe_key, by_content_key })
    }

    fn id_of(&self, event: &NewEvent) -> Option<EventId> {
        let by_content_key = || self.by_content_key.get(event.content_key.as_deref()?);
        self.by_dedupe_key.get(&event.dedupe_key).or_else(by_content_key).copied()
    }
}

fn sorted<'k>(keys: impl Iterator<Item = &'k str>) -> Vec<&'k str> {
    let mut keys: Vec<&str> = keys.collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The items whose key another event has: one that was stored before, or the first of this batch.
fn copies<'a>(
    items: &[Item<'a>],
    new: &[(EventId, &NewEvent)],
    stored_events: &KnownEvents,
) -> Vec<(EventId, &'a NewEvent)> {
    let new: HashMap<&str, (EventId, [u8; 32])> =
        new.iter().map(|(id, event)| (event.dedupe_key.as_str(), (*id, event.body_sha256))).collect();
    let copy = |item: &Item<'a>| {
        let event = item.event;
        let other = new.get(event.dedupe_key.as_str()).filter(|(_, digest)| *digest != event.body_sha256);
        let stored = || stored_events.by_dedupe_key.get(&event.dedupe_key).copied();
        Some((other.map(|(id, _)| *id).or_else(stored)?, event))
    };
    items.iter().filter_map(copy).collect()
}

/// The first item with an inserted key is new; all others are duplicates of it or of a stored event.
fn receipts(
    items: &[Item<'_>],
    mut new: HashMap<String, EventId>,
    stored_events: &KnownEvents,
    conflicts: &Conflicts,
) -> Result<Vec<Receipt>, Error> {
    let all_new = new.clone();
    let receipt = |item: &Item<'_>| {
        let event = item.event;
        if let Some(receipt) = conflicts.receipt(event) {
            return Ok(receipt);
        }
        if let Some(id) = new.remove(&event.dedupe_key) {
            return Ok(Receipt::Stored(id));
        }
        let first = all_new.get(&event.dedupe_key).copied().or_else(|| stored_events.id_of(event));
        first.map(Receipt::Duplicate).ok_or_else(|| Error::decode("dedupe_key"))
    };
    items.iter().map(receipt).collect()
}

fn entry<'d>(
    new: &[(EventId, &'d NewEvent)],
    conflicts: &'d [EventId],
    cursors: &'d BTreeMap<&'d str, &'d str>,
    now: Timestamp,
) -> Result<Entry, Error> {
    let detail = |(id, event): &(EventId, &'d NewEvent)| AuditEvent {
        body_sha256: hex::encode(event.body_sha256),
        channel: event.channel,
        dedupe_key: &event.dedupe_key,
        id: *id,
    };
    let detail = Detail { conflicts, cursors, events: new.iter().map(detail).collect(), proved: true };
    let detail = serde_json::to_string(&detail).map_err(Error::encode)?;
    let object = format!("webhook_events/{}", new.len());
    Ok(Entry::new(now, "inbox", "webhooks.receive", &object, None, &detail)?)
}

/// The detail of a batch's audit entry.
#[derive(Serialize)]
struct Detail<'d> {
    /// Those of the events whose id came with other content before.
    #[serde(skip_serializing_if = "<[EventId]>::is_empty")]
    conflicts: &'d [EventId],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    cursors: &'d BTreeMap<&'d str, &'d str>,
    events: Vec<AuditEvent<'d>>,
    /// Whether the events have proofs. Those of entries without it get theirs when the store is opened.
    proved: bool,
}

#[derive(Serialize)]
struct AuditEvent<'d> {
    body_sha256: String,
    channel: &'d str,
    dedupe_key: &'d str,
    id: EventId,
}
