//! One batch: which of its deliveries are new, and one transaction that keeps them.

use std::collections::{BTreeMap, HashMap};

use audit::Entry;
use jiff::Timestamp;
use serde::Serialize;

use super::insert::{self, Inserted, KeyColumn};
use super::{Cursor, Receipt, Record};
use crate::cursors;
use crate::database::{Row, Transaction};
use crate::error::Error;
use crate::ids::EventId;

/// One delivery of a batch.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    pub(super) record: &'a Record,
    pub(super) cursor: Option<&'a Cursor>,
}

/// What a transaction has done so far.
pub(super) struct Written {
    /// A receipt for each item, in their order.
    pub(super) receipts: Vec<Receipt>,
    /// What is to be recorded; `None` when nothing was written.
    pub(super) entry: Option<Entry>,
    /// The head of the audit chain, where it has been read already.
    pub(super) head: Option<Row>,
}

/// Writes a batch into a transaction; its audit entry is the caller's to write, as the last thing.
pub(super) async fn write(tx: &mut Transaction<'_>, items: &[Item<'_>]) -> Result<Written, Error> {
    let first = firsts(items);
    let Inserted { ids: stored, head } = insert::events(tx, &first).await?;
    let new: Vec<(EventId, &Record)> =
        first.iter().filter_map(|record| Some((*stored.get(&record.dedupe_key)?, *record))).collect();
    let known = Known::look_up(tx, items, &stored).await?;
    let now = items.iter().map(|item| item.record.received_at).max().unwrap_or_default();
    let moved = cursors::advance(tx, cursors_of(items), now).await?;
    let is_nothing = new.is_empty() && moved.is_empty();
    let entry = if is_nothing { None } else { Some(entry(&new, &moved, now)?) };
    Ok(Written { receipts: receipts(items, stored, &known)?, entry, head })
}

/// The records without those that repeat a key of an earlier one, in the order of their keys: two processes that insert
/// the same keys in one order cannot wait for each other in a circle.
fn firsts<'a>(items: &[Item<'a>]) -> Vec<&'a Record> {
    let mut by_key: BTreeMap<&str, &Record> = BTreeMap::new();
    let mut contents: HashMap<&str, &str> = HashMap::new();
    for Item { record, .. } in items {
        let key = record.dedupe_key.as_str();
        let is_first = record
            .content_key
            .as_deref()
            .is_none_or(|content| *contents.entry(content).or_insert(key) == key);
        if is_first {
            by_key.entry(key).or_insert(record);
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

/// What was kept before this batch, of the keys that the batch could not insert.
struct Known {
    by_dedupe: HashMap<String, EventId>,
    by_content: HashMap<String, EventId>,
}

impl Known {
    async fn look_up(
        tx: &mut Transaction<'_>,
        items: &[Item<'_>],
        stored: &HashMap<String, EventId>,
    ) -> Result<Self, Error> {
        let missing =
            || items.iter().map(|item| item.record).filter(|record| !stored.contains_key(&record.dedupe_key));
        let mut keys: Vec<&str> = missing().map(|record| record.dedupe_key.as_str()).collect();
        keys.sort_unstable();
        keys.dedup();
        let by_dedupe = insert::known(tx, KeyColumn::Dedupe, &keys).await?;
        let unexplained = missing().filter(|record| !by_dedupe.contains_key(&record.dedupe_key));
        let mut keys: Vec<&str> = unexplained.filter_map(|record| record.content_key.as_deref()).collect();
        keys.sort_unstable();
        keys.dedup();
        let by_content = insert::known(tx, KeyColumn::Content, &keys).await?;
        Ok(Self { by_dedupe, by_content })
    }

    fn id_of(&self, record: &Record) -> Option<EventId> {
        let by_content = || self.by_content.get(record.content_key.as_deref()?);
        self.by_dedupe.get(&record.dedupe_key).or_else(by_content).copied()
    }
}

/// The first item with a key that was inserted is the new one; all others repeat it, or what was there before.
fn receipts(
    items: &[Item<'_>],
    mut stored: HashMap<String, EventId>,
    known: &Known,
) -> Result<Vec<Receipt>, Error> {
    let all = stored.clone();
    let receipt = |item: &Item<'_>| {
        let record = item.record;
        if let Some(id) = stored.remove(&record.dedupe_key) {
            return Ok(Receipt::Stored(id));
        }
        let before = all.get(&record.dedupe_key).copied().or_else(|| known.id_of(record));
        before.map(Receipt::Duplicate).ok_or_else(|| Error::unreadable("dedupe_key"))
    };
    items.iter().map(receipt).collect()
}

/// Which deliveries are new, and up to where the streams have now been read.
fn entry<'d>(
    new: &[(EventId, &'d Record)],
    cursors: &'d BTreeMap<&'d str, &'d str>,
    now: Timestamp,
) -> Result<Entry, Error> {
    let event = |(id, record): &(EventId, &'d Record)| Kept {
        body_sha256: crate::hex::lower(&record.body_sha256),
        channel: record.channel,
        dedupe_key: &record.dedupe_key,
        id: *id,
    };
    let detail = Detail { cursors, events: new.iter().map(event).collect() };
    let detail = serde_json::to_string(&detail).map_err(|_| Error::unreadable("detail"))?;
    let object = format!("webhook_events/{}", new.len());
    Ok(Entry::new(now, "inbox", "webhooks.receive", &object, None, &detail)?)
}

/// What the audit chain says of a batch.
#[derive(Serialize)]
struct Detail<'d> {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    cursors: &'d BTreeMap<&'d str, &'d str>,
    events: Vec<Kept<'d>>,
}

#[derive(Serialize)]
struct Kept<'d> {
    body_sha256: String,
    channel: &'d str,
    dedupe_key: &'d str,
    id: EventId,
}
