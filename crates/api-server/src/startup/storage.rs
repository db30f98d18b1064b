//! Opens the database. Without it the server does not start.

use std::time::Duration;

use ::secrets::SecretHandle;
use config::{Config, Credentials, CredentialsError, Profile};
use store::{AuditKeyError, DatabaseUrl, Store};
use telemetry::Clock;

/// The database cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StorageError {
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error(transparent)]
    AuditKey(#[from] AuditKeyError),
    #[error("opening the database failed")]
    Open(#[from] store::OpenError),
    #[error("writing to the database failed")]
    Write(#[from] store::Error),
}

/// An open database, and its secrets.
#[derive(Debug)]
pub(crate) struct Storage {
    pub(crate) store: Store,
    /// Reports changes of the URL, such as a new password.
    pub(crate) url: SecretHandle,
    pub(crate) audit_key: AuditKeyFollower,
    /// The API keys of the database.
    pub(crate) api_keys: (i64, Vec<store::ApiKey>),
}

/// Uses a new audit key in an open store.
#[derive(Clone, Debug)]
pub(crate) struct AuditKeyFollower {
    handle: SecretHandle,
    url: DatabaseUrl,
    is_production: bool,
    /// Time after which every process that shares the database has read a new key.
    settle: Duration,
}

/// Opens the database and migrates its tables.
pub(crate) async fn open(
    config: &Config,
    credentials: &Credentials,
    url: DatabaseUrl,
) -> Result<Storage, StorageError> {
    let handle = credentials.handle("database_url", "store")?;
    let is_production = config.profile == Profile::Production;
    let secret = credentials.audit_key("store")?;
    let key = store::load_audit_key(secret.as_deref(), &url, is_production)?;
    if secret.is_none() {
        tracing::info!("no AUDIT_KEY: the key file beside the database authenticates the audit chain");
    }
    let database = url.to_string();
    let audit_key = AuditKeyFollower {
        handle: credentials.handle("audit_key", "store")?,
        url: url.clone(),
        is_production,
        settle: config.secret_ttl,
    };
    let mut store_config = config.store(url);
    store_config.queue_deliveries = config.webhooks.queue_max;
    let now = Clock::System.now();
    let store = Store::open(store_config, key, now).await?;
    let prepared = async {
        // The checkpoint file is there before anything is acknowledged.
        store.check_storage().await?;
        workers::price_tokens(&store, now).await?;
        store.changed_api_keys(0).await
    };
    let api_keys = match prepared.await {
        Ok(api_keys) => api_keys,
        Err(error) => {
            store.close().await;
            return Err(error.into());
        }
    };
    tracing::info!(database, "database opened");
    Ok(Storage { store, url: handle, audit_key, api_keys })
}

/// Uses a new URL for new connections; never returns.
pub(super) async fn follow_url(store: Store, mut handle: SecretHandle) {
    loop {
        handle.changed().await;
        let Ok(set) = handle.load() else { continue };
        let url = set.value().expose_text().unwrap_or_default().parse::<DatabaseUrl>();
        match url.and_then(|url| store.set_url(&url)) {
            Ok(()) => tracing::info!("database URL changed: new connections use it"),
            Err(error) => tracing::error!(%error, "new database URL rejected: the previous one stays in use"),
        }
    }
}

impl AuditKeyFollower {
    /// Never returns. A new key is accepted at once and authenticates new entries later: until every process has read it, its
    /// entries could not be continued by another one.
    pub(super) async fn run(mut self, store: Store) {
        loop {
            self.handle.changed().await;
            if let Err(error) = self.follow(&store).await {
                tracing::error!(%error, "new audit key rejected: the previous one stays in use");
            }
        }
    }

    async fn follow(&self, store: &Store) -> Result<(), AuditKeyError> {
        let Ok(set) = self.handle.load() else { return Ok(()) };
        // The value alone: previous versions that this process remembers are gone after a restart.
        let found = store::find_audit_key(set.value().expose_text(), &self.url, self.is_production)?;
        let Some(key) = found else { return Ok(()) };
        let (id, before) = (key.id(), store.audit_key_id());
        store.set_audit_key(key.clone().with_current(before).ok_or(AuditKeyError::OlderKeyMissing)?)?;
        if id == before {
            return Ok(());
        }
        tokio::time::sleep(self.settle).await;
        store.set_audit_key(key)?;
        tracing::info!(key = %id, "audit key changed: new entries are authenticated with it");
        Ok(())
    }
}
