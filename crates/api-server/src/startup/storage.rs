//! Opens the database. Without it the server does not start.

use ::secrets::SecretHandle;
use config::{Config, Credentials, CredentialsError, Profile};
use store::{AuditKeyError, DatabaseUrl, Store, StoreConfig};
use telemetry::Clock;

/// The database cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StorageError {
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error("DATABASE_URL is invalid")]
    Url(#[from] store::UrlError),
    #[error(transparent)]
    AuditKey(#[from] AuditKeyError),
    #[error("opening the database failed")]
    Open(#[from] store::OpenError),
    #[error("writing to the database failed")]
    Write(#[from] store::Error),
}

/// An open database, and the secret with its URL.
#[derive(Debug)]
pub(crate) struct Storage {
    pub(crate) store: Store,
    /// Reports changes of the URL, such as a new password.
    pub(crate) url: SecretHandle,
}

/// Opens the database and migrates its tables.
pub(crate) async fn open(config: &Config, credentials: &Credentials) -> Result<Storage, StorageError> {
    let (text, handle) = credentials.database_url(config.profile, "store")?;
    let url: DatabaseUrl = text.parse()?;
    let is_production = config.profile == Profile::Production;
    let key = store::load_audit_key(credentials.audit_key("store")?.as_deref(), &url, is_production)?;
    let database = url.to_string();
    let mut store_config = StoreConfig::new(url);
    store_config.queue_deliveries = config.webhooks.queue_max;
    let now = Clock::System.now();
    let store = Store::open(store_config, key, now).await?;
    workers::price_tokens(&store, now).await?;
    tracing::info!(database, "database opened");
    Ok(Storage { store, url: handle })
}

/// Uses a new URL for new connections; never returns.
pub(super) async fn follow(store: Store, mut handle: SecretHandle) {
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
