//! The database: where it is, its key, its tables. Without it nothing starts.

use ::secrets::{Kind, SecretHandle};
use store::{DatabaseUrl, Store, StoreConfig};

use super::{FoundSecrets, audit_key};
use crate::clock::Clock;
use crate::config::{Config, Profile};
use crate::workers;

/// Where everything is kept when nothing else is said, outside production.
const URL_DEFAULT: &str = "sqlite:data/investiq.db";

/// Why there is no database.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Production keeps nothing in a place that nobody chose.
    #[error("DATABASE_URL is not set: production names its database")]
    NoUrl,
    /// A secret cannot be read.
    #[error("look for the address of the database")]
    Secret(#[source] ::secrets::Error),
    /// The address is none.
    #[error("read DATABASE_URL")]
    Url(#[from] store::UrlError),
    /// There is no key for the audit chain.
    #[error(transparent)]
    AuditKey(#[from] audit_key::AuditKeyError),
    /// It cannot be opened, or its tables not be brought to the form that this program knows.
    #[error("open the database")]
    Open(#[from] store::OpenError),
    /// It opens, and takes nothing.
    #[error("write to the database")]
    Write(#[from] store::Error),
}

/// An open database, and the secret that says where it is.
#[derive(Debug)]
pub struct Storage {
    /// The database.
    pub store: Store,
    /// Where it is said to be.
    pub url: SecretHandle,
}

/// Opens the database and brings its tables up to date.
///
/// # Errors
/// Whatever keeps it from being used.
pub async fn open(config: &Config, found: &FoundSecrets) -> Result<Storage, StorageError> {
    let handle = |name, component| found.secrets.handle(name, component).map_err(StorageError::Secret);
    let url_handle = handle("database_url", "store")?;
    let url = url(config.profile, &url_handle)?;
    let key = audit_key::find(config.profile, &handle("audit_key", "store")?, &url)?;
    let place = url.to_string();
    let mut store_config = StoreConfig::new(url);
    store_config.queue_deliveries = config.deliveries.queue_max;
    let store = Store::open(store_config, key, Clock::System.now()).await?;
    workers::mark_tokens(&store).await?;
    tracing::info!(database = place, "the database is open");
    Ok(Storage { store, url: url_handle })
}

/// Where the database is: what the secret says, and outside production a file of this directory when it says nothing.
///
/// # Errors
/// Production without the secret, and a secret that is no address.
pub fn url(profile: Profile, handle: &SecretHandle) -> Result<DatabaseUrl, StorageError> {
    match handle.load() {
        Ok(set) => Ok(set.value().expose_text().unwrap_or_default().parse()?),
        Err(error) if error.kind() == Kind::NotFound && profile == Profile::Production => {
            Err(StorageError::NoUrl)
        }
        Err(error) if error.kind() == Kind::NotFound => Ok(URL_DEFAULT.parse()?),
        Err(error) => Err(StorageError::Secret(error)),
    }
}

/// Brings every new address into use: connections that are made from then on use it, such as with a new password.
pub(super) async fn follow(store: Store, mut handle: SecretHandle) {
    loop {
        handle.changed().await;
        let Ok(set) = handle.load() else { continue };
        let url = set.value().expose_text().unwrap_or_default().parse::<DatabaseUrl>();
        match url.and_then(|url| store.set_url(&url)) {
            Ok(()) => tracing::info!("new connections use the new address of the database"),
            Err(error) => {
                tracing::error!(%error, "the new address of the database is refused; the old one stays in use");
            }
        }
    }
}
