//! Keys of Circle that are kept in the store, so that a restart does not forget them.
//!
//! A key is kept once it was fetched from Circle *and* has proved a delivery: whatever a stranger names never is. What is
//! kept does not stand in for Circle: after a restart each key is asked for again, and used as it was only while Circle
//! cannot be asked.

use std::collections::BTreeMap;

use jiff::Timestamp;
use store::{Actor, CIRCLE_KEYS_MAX, CircleKey, Store};
use tokio::sync::{Mutex, OnceCell};
use webhooks::circle::direct::{KeyId, PublicKey};

/// Who keeps them, in the audit chain.
const ACTOR: Actor<'static> = Actor::named("worker:circle-keys");

/// A key, and when Circle told it.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) key: PublicKey,
    pub(super) at: Timestamp,
}

/// Keys that are kept.
#[derive(Debug)]
pub(super) struct KeptKeys {
    store: Store,
    recalled: OnceCell<()>,
    /// When Circle told each of those that are known to be kept.
    kept: Mutex<BTreeMap<KeyId, Timestamp>>,
}

impl KeptKeys {
    pub(super) fn new(store: Store) -> Self {
        Self { store, recalled: OnceCell::new(), kept: Mutex::default() }
    }

    /// Hands over what was kept before the start: once, when the store can be read.
    pub(super) async fn recall(&self, known: impl Fn(Told)) {
        let recalled = self.recalled.get_or_try_init(async || {
            let mut kept = self.kept.lock().await;
            for key in self.store.circle_keys().await? {
                if let Some(told) = read(&key) {
                    kept.insert(told.key.id().clone(), told.at);
                    known(told);
                }
            }
            Ok::<_, store::Error>(())
        });
        if let Err(error) = recalled.await {
            tracing::warn!(%error, "the keys of Circle that were kept cannot be read now");
        }
    }

    /// Keeps a key that has proved a delivery, unless it is kept as Circle told it last. A fault is no reason to refuse the
    /// delivery; the next one is another occasion.
    pub(super) async fn keep(&self, told: &Told, now: Timestamp) {
        // Who comes while another one keeps has nothing to do.
        let Ok(mut kept) = self.kept.try_lock() else { return };
        let Told { key, at } = told;
        if kept.get(key.id()).is_some_and(|kept_at| kept_at >= at) {
            return;
        }
        let row = CircleKey {
            id: key.id().to_string(),
            algorithm: key.algorithm().to_owned(),
            public_key: key.base64(),
            fetched_at: *at,
        };
        // On the heap, once for each key: see where keys are fetched.
        if let Err(error) = Box::pin(self.store.keep_circle_key(&row, ACTOR, now)).await {
            tracing::warn!(%error, key = %key.id(), "a key of Circle cannot be kept now");
            return;
        }
        if kept.len() >= CIRCLE_KEYS_MAX as usize {
            kept.clear();
        }
        kept.insert(key.id().clone(), *at);
    }

    /// Keeps a key no longer, because Circle says that there is none; costs nothing for one that never was kept.
    pub(super) async fn drop(&self, id: &KeyId, now: Timestamp) {
        let mut kept = self.kept.lock().await;
        if kept.remove(id).is_none() {
            return;
        }
        tracing::warn!(key = %id, "Circle has withdrawn a key");
        if let Err(error) = self.store.drop_circle_key(id.as_str(), ACTOR, now).await {
            tracing::warn!(%error, key = %id, "a key that Circle has withdrawn cannot be removed now");
        }
    }
}

fn read(kept: &CircleKey) -> Option<Told> {
    match PublicKey::new(&kept.id, &kept.algorithm, &kept.public_key) {
        Ok(key) => Some(Told { key, at: kept.fetched_at }),
        Err(error) => {
            tracing::warn!(%error, key = kept.id, "a key of Circle that was kept cannot be read");
            None
        }
    }
}
