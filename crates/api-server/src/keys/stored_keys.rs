//! Loads the API keys of the database when they change, and writes how often each was used.

use std::sync::Arc;
use std::time::Duration;

use store::{ApiKeyId, ApiKeyUse, Store};
use telemetry::Clock;
use telemetry::metrics::Metrics;
use tokio::sync::Mutex;

use super::ring::{KeyRing, UNCHECKED_MAX};

/// Time between two checks for changes: a key is revoked everywhere after twice that.
const POLL_PERIOD: Duration = Duration::from_millis(500);
/// Time between two writes of uses.
const USES_PERIOD: Duration = Duration::from_secs(60);

/// The keys of the database, as of its last answer.
#[derive(Debug)]
pub(crate) struct StoredKeyLoader {
    ring: Arc<KeyRing>,
    store: Store,
    metrics: Arc<Metrics>,
    /// One load at a time, so that none replaces the keys of a later one: how often the audit key was replaced before the last.
    loading: Mutex<u64>,
}

impl StoredKeyLoader {
    pub(crate) fn new(ring: Arc<KeyRing>, store: Store, metrics: Arc<Metrics>) -> Self {
        Self { ring, store, metrics, loading: Mutex::default() }
    }

    /// Never returns.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut is_reported = false;
        loop {
            match self.load().await {
                Ok(()) => {
                    if is_reported {
                        tracing::info!("API keys of the database are checked again");
                    }
                    is_reported = false;
                    self.ring.note_check();
                }
                Err(error) if !is_reported && self.ring.unchecked() > UNCHECKED_MAX => {
                    is_reported = true;
                    tracing::error!(
                        %error,
                        "API keys of the database cannot be checked: those that may change something are refused"
                    );
                }
                Err(error) => tracing::debug!(%error, "checking the API keys of the database failed"),
            }
            {
                let _one = self.loading.lock().await;
                self.ring.end_expired(Clock::System.now());
            }
            let unchecked = self.ring.unchecked().as_secs();
            self.metrics.keys_unchecked_s.set(i64::try_from(unchecked).unwrap_or(i64::MAX));
            tokio::time::sleep(POLL_PERIOD).await;
        }
    }

    /// Loads what has changed. Who has changed something calls it, too, so that this server knows of it at once.
    pub(crate) async fn load(&self) -> Result<(), store::Error> {
        let mut proved_with = self.loading.lock().await;
        let audit_key = self.store.audit_key_changes();
        let loaded = self.ring.stored_version();
        let version = self.store.api_key_version().await?;
        let is_proved = audit_key == *proved_with;
        if version == loaded && is_proved {
            return Ok(());
        }
        // A version that went back is that of a restored database. Another audit key proves other rows.
        let since = if version < loaded || !is_proved { 0 } else { loaded };
        let changes = self.store.changed_api_keys(since).await?;
        tracing::info!(version = changes.0, keys = changes.1.len(), "API keys of the database loaded");
        self.ring.apply_stored(changes, Clock::System.now());
        *proved_with = audit_key;
        Ok(())
    }
}

/// Writes uses once a minute; never returns.
pub(crate) async fn write_uses(ring: Arc<KeyRing>, store: Store) {
    loop {
        tokio::time::sleep(USES_PERIOD).await;
        flush_uses(&ring, &store).await;
    }
}

/// Writes the uses of keys since the last time. What cannot be written is kept for the next time.
pub(crate) async fn flush_uses(ring: &KeyRing, store: &Store) {
    let keys = ring.stored();
    // Copied, so that nothing is lost if this is cancelled.
    let unwritten: Vec<_> =
        keys.usages().filter_map(|(id, usage)| usage.unwritten().map(|uses| (id, usage, uses))).collect();
    let uses: Vec<(ApiKeyId, u64, ApiKeyUse)> =
        unwritten.iter().map(|(id, _, (number, last))| (*id, *number, *last)).collect();
    if uses.is_empty() {
        return;
    }
    match store.add_api_key_uses(&uses).await {
        Ok(()) => unwritten.iter().for_each(|(_, usage, (number, _))| usage.subtract(*number)),
        Err(error) => tracing::warn!(%error, "writing the uses of API keys failed"),
    }
}
