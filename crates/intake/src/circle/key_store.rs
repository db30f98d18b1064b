//! Keys of Circle in the store, so that they survive a restart.
//!
//! A key is stored after it was fetched from Circle *and* verified a delivery, so a key that an unknown sender invents never is.
//! After a restart each key is fetched again; the stored key is used only while Circle is unavailable.

use std::collections::BTreeMap;

use jiff::Timestamp;
use store::{Actor, CIRCLE_KEYS_MAX, CircleKey, Store};
use tokio::sync::{Mutex, OnceCell};
use webhooks::circle::direct::{KeyId, PublicKey};

const ACTOR: Actor<'static> = Actor::named("worker:circle-keys");

/// A key, and when it was fetched from Circle.
#[derive(Clone, Debug)]
pub(crate) struct FetchedKey {
    pub(super) key: PublicKey,
    pub(super) at: Timestamp,
}

#[derive(Debug)]
pub(super) struct KeyStore {
    store: Store,
    loaded: OnceCell<()>,
    /// When each stored key was fetched.
    fetched_at: Mutex<BTreeMap<KeyId, Timestamp>>,
}

impl KeyStore {
    pub(super) fn new(store: Store) -> Self {
        Self { store, loaded: OnceCell::new(), fetched_at: Mutex::default() }
    }

    /// Passes the stored keys to `restore`. Does nothing after it succeeded once.
    pub(super) async fn load_once(&self, restore: impl Fn(FetchedKey)) {
        let loaded = self.loaded.get_or_try_init(async || {
            let mut fetched_at = self.fetched_at.lock().await;
            for row in self.store.circle_keys().await? {
                if let Some(stored) = parse(&row) {
                    fetched_at.insert(stored.key.id().clone(), stored.at);
                    restore(stored);
                }
            }
            Ok::<_, store::Error>(())
        });
        if let Err(error) = loaded.await {
            tracing::warn!(%error, "loading stored keys of Circle failed");
        }
    }

    /// Stores a key that verified a delivery, unless it is stored already. A failure does not reject the delivery; the next
    /// delivery tries again.
    pub(super) async fn save(&self, fetched: &FetchedKey, now: Timestamp) {
        // If another task is saving, there is nothing to do.
        let Ok(mut fetched_at) = self.fetched_at.try_lock() else { return };
        let FetchedKey { key, at } = fetched;
        if fetched_at.get(key.id()).is_some_and(|stored_at| stored_at >= at) {
            return;
        }
        let row = CircleKey {
            id: key.id().to_string(),
            algorithm: key.algorithm().to_owned(),
            public_key: key.base64(),
            fetched_at: *at,
        };
        // Boxed, because it runs once for each key.
        if let Err(error) = Box::pin(self.store.save_circle_key(&row, ACTOR, now)).await {
            tracing::warn!(%error, key = %key.id(), "storing a key of Circle failed");
            return;
        }
        if fetched_at.len() >= CIRCLE_KEYS_MAX as usize {
            fetched_at.clear();
        }
        fetched_at.insert(key.id().clone(), *at);
    }

    /// Deletes a key that Circle no longer has. Costs nothing for a key that was never stored.
    pub(super) async fn delete(&self, id: &KeyId, now: Timestamp) {
        let mut fetched_at = self.fetched_at.lock().await;
        if fetched_at.remove(id).is_none() {
            return;
        }
        tracing::warn!(key = %id, "key withdrawn by Circle");
        if let Err(error) = self.store.delete_circle_key(id.as_str(), ACTOR, now).await {
            tracing::warn!(%error, key = %id, "deleting a withdrawn key of Circle failed");
        }
    }
}

fn parse(row: &CircleKey) -> Option<FetchedKey> {
    match PublicKey::new(&row.id, &row.algorithm, &row.public_key) {
        Ok(key) => Some(FetchedKey { key, at: row.fetched_at }),
        Err(error) => {
            tracing::warn!(%error, key = row.id, "stored key of Circle is invalid");
            None
        }
    }
}
