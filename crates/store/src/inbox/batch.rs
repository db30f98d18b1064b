//! One batch: which of its deliveries are new, and the transaction that stores them.

use std::collections::{BTreeMap, HashMap};

use audit::Entry;
use jiff::Timestamp;
use serde::Serialize;

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

/// What a transaction has written so far.
pub(super) struct BatchWrite {
    /// A receipt for each item, in their order.
    pub(super) receipts: Vec<Receipt>,
    /// The audit entry; `None` when nothing was written.
    pub(super) entry: Option<Entry>,
    /// The head of the audit chain, where it was already read.
    pub(super) head: Option<Row>,
}

/// Writes a batch into a transaction. The caller appends the audit entry, as the last thing.
pub(super) async fn write(tx: &mut Transaction<'_>, items: &[Item<'_>]) -> Result<BatchWrite, Error> {
    let distinct = distinct(items);
    let InsertResult { ids, head } = insert::events(tx, &distinct).await?;
    let new: Vec<(EventId, &NewEvent)> =
        distinct.iter().filter_map(|event| Some((*ids.get(&event.dedupe_key)?, *event))).collect();
    let known = KnownEvents::find(tx, items, &ids).await?;
    let now = items.iter().map(|item| item.event.received_at).max().unwrap_or_default();
    let moved = cursors::advance(tx, cursors_of(items), now).await?;
    let is_empty = new.is_empty() && moved.is_empty();
    let entry = if is_empty { None } else { Some(entry(&new, &moved, now)?) };
    Ok(BatchWrite { receipts: receipts(items, ids, &known)?, entry, head })
}

/// The events without those that repeat a key of an earlier one, in the order of their keys: two processes that insert
/// the same keys in one order cannot deadlock.
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

/// The first item with an inserted key is the new one; all others repeat it, or an event that was stored before.
fn receipts(
    items: &[Item<'_>],
    mut new: HashMap<String, EventId>,
    known: &KnownEvents,
) -> Result<Vec<Receipt>, Error> {
    let all_new = new.clone();
    let receipt = |item: &Item<'_>| {
        let event = item.event;
        if let Some(id) = new.remove(&event.dedupe_key) {
            return Ok(Receipt::Stored(id));
        }
        let first = all_new.get(&event.dedupe_key).copied().or_else(|| known.id_of(event));
        first.map(Receipt::Duplicate).ok_or_else(|| Error::decode("dedupe_key"))
    };
    items.iter().map(receipt).collect()
}

fn entry<'d>(
    new: &[(EventId, &'d NewEvent)],
    cursors: &'d BTreeMap<&'d str, &'d str>,
    now: Timestamp,
) -> Result<Entry, Error> {
    let stored = |(id, event): &(EventId, &'d NewEvent)| EventDetail {
        body_sha256: hex::encode(event.body_sha256),
        channel: event.channel,
        dedupe_key: &event.dedupe_key,
        id: *id,
    };
    let detail = Detail { cursors, events: new.iter().map(stored).collect() };
    let detail = serde_json::to_string(&detail).map_err(Error::encode)?;
    let object = format!("webhook_events/{}", new.len());
    Ok(Entry::new(now, "inbox", "webhooks.receive", &object, None, &detail)?)
}

/// The detail of a batch's audit entry.
#[derive(Serialize)]
struct Detail<'d> {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    cursors: &'d BTreeMap<&'d str, &'d str>,
    events: Vec<EventDetail<'d>>,
}

#[derive(Serialize)]
struct EventDetail<'d> {
    body_sha256: String,
    channel: &'d str,
    dedupe_key: &'d str,
    id: EventId,
}
