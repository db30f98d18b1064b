//! Deliveries with the id of a stored event and other content. A provider signed both, and only a person can say which is
//! right: they are stored and not applied.

use std::collections::{BTreeMap, HashMap};

use audit::Key;
use serde_json::Value as Json;

use super::insert::{self, BY_DEDUPE_KEY, InsertResult};
use super::{NewEvent, Receipt};
use crate::database::{Transaction, sql};
use crate::error::Error;
use crate::event_reviews;
use crate::ids::EventId;

const DIGESTS: &str = "SELECT id, body_sha256 FROM webhook_events WHERE id IN";
const BODY: &str = "SELECT body FROM webhook_events WHERE id = $1";
const UNHANDLED: &str = "UPDATE webhook_jobs SET state = 'unhandled', finished_at = created_at, \
    last_error = 'an event with this id and other content was received before: review both' \
    WHERE state = 'pending' AND event_id IN";

/// The receipts of deliveries whose content is not that of the event with their id, by key and digest; and their new events.
#[derive(Default)]
pub(super) struct Conflicts {
    receipts: HashMap<(String, [u8; 32]), Receipt>,
    pub(super) new: Vec<(EventId, NewEvent)>,
}

impl Conflicts {
    pub(super) fn receipt(&self, event: &NewEvent) -> Option<Receipt> {
        if self.receipts.is_empty() {
            return None;
        }
        self.receipts.get(&(event.dedupe_key.clone(), event.body_sha256)).copied()
    }

    /// Stores those of the `copies` that differ from the event that was stored first, without work to apply them.
    pub(super) async fn store(
        tx: &mut Transaction<'_>,
        copies: &[(EventId, &NewEvent)],
        key: &Key,
    ) -> Result<Self, Error> {
        let differing = differing(tx, copies).await?;
        if differing.is_empty() {
            return Ok(Self::default());
        }
        let events: Vec<&NewEvent> = differing.values().map(|(event, _)| event).collect();
        let InsertResult { ids, .. } = insert::events(tx, &events, key).await?;
        let new: Vec<i64> = ids.values().map(|id| id.get()).collect();
        tx.fetch_in(sql!(UNHANDLED), &new, " RETURNING id").await?;
        let now = events.iter().map(|event| event.received_at).max().unwrap_or_default();
        event_reviews::open_events(tx, new.iter().map(|id| ("conflict", *id)), now).await?;
        let keys: Vec<&str> = differing.keys().map(String::as_str).collect();
        let stored = insert::find(tx, BY_DEDUPE_KEY, &keys).await?;
        let mut conflicts = Self::default();
        for (key, (event, first_key)) in differing {
            let id = *stored.get(&key).ok_or_else(|| Error::decode("dedupe_key"))?;
            let is_new = ids.contains_key(&key);
            let receipt = if is_new { Receipt::Conflict(id) } else { Receipt::Duplicate(id) };
            conflicts.receipts.insert((first_key, event.body_sha256), receipt);
            conflicts.new.extend(is_new.then_some((id, event)));
        }
        Ok(conflicts)
    }
}

/// The events of copies with other content, by keys of their own, each with the key that it shares.
async fn differing(
    tx: &mut Transaction<'_>,
    copies: &[(EventId, &NewEvent)],
) -> Result<BTreeMap<String, (NewEvent, String)>, Error> {
    let ids: Vec<i64> = copies.iter().map(|(id, _)| id.get()).collect();
    let mut digests: HashMap<i64, Vec<u8>> = HashMap::new();
    for row in tx.fetch_in(sql!(DIGESTS), &ids, "").await? {
        digests.insert(row.int("id")?, row.bytes("body_sha256")?);
    }
    let mut differing = BTreeMap::new();
    for (id, event) in copies {
        let is_same = digests.get(&id.get()).is_some_and(|digest| digest[..] == event.body_sha256);
        if !is_same && !has_same_fields(tx, *id, &event.body).await? {
            let key = event.other_content_key();
            let other = NewEvent { dedupe_key: key.clone(), content_key: None, ..(*event).clone() };
            differing.insert(key, (other, event.dedupe_key.clone()));
        }
    }
    Ok(differing)
}

/// A relay may write the fields of a record in its own order and spacing.
async fn has_same_fields(tx: &mut Transaction<'_>, id: EventId, body: &[u8]) -> Result<bool, Error> {
    let Some(row) = tx.fetch_optional(sql!(BODY, id.get())).await? else { return Ok(false) };
    let fields = |body: &[u8]| serde_json::from_slice::<Json>(body).ok();
    Ok(fields(&row.bytes("body")?).is_some_and(|first| Some(first) == fields(body)))
}
