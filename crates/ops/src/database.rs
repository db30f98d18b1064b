//! The server's database, located and opened with the settings, secrets and key that the server uses.

use std::path::Path;

use config::{Config, Credentials, Profile};
use rustix::process::getuid;
use store::{AuditKeyError, DatabaseUrl, OpenError, Store, StoreConfig, find_audit_key};
use telemetry::with_causes;

use crate::console::Console;
use crate::failure::Failure;

/// One to read and one to write.
const CONNECTIONS: u32 = 2;

pub(crate) struct Database {
    pub(crate) store: Store,
    pub(crate) config: Config,
    pub(crate) credentials: Credentials,
    operator: String,
}

/// What is needed to open the database.
pub(crate) struct DatabaseLocation {
    pub(crate) config: Config,
    pub(crate) credentials: Credentials,
    pub(crate) url: DatabaseUrl,
    pub(crate) key: audit::Key,
    /// Where a key that is missing was looked for, and what to do.
    pub(crate) missing_key: String,
}

impl DatabaseLocation {
    /// The database that the server uses in this environment.
    pub(crate) async fn find(console: &Console) -> Result<Self, Failure> {
        Self::with_key(find_url(console).await?, console)
    }

    /// As [`find`](Self::find), even if the SQLite file does not exist.
    pub(crate) async fn find_any(console: &Console) -> Result<Self, Failure> {
        Self::with_key(find_any_url(console).await?, console)
    }

    fn with_key(found: (Config, Credentials, DatabaseUrl), console: &Console) -> Result<Self, Failure> {
        let (config, credentials, url) = found;
        let missing_key = config::missing_audit_key(&config, console.environment(), &url);
        let secret = credentials.audit_key("ops").map_err(failed)?;
        // A command never creates a key: it would not be that of the database.
        match find_audit_key(secret.as_deref(), &url, config.profile == Profile::Production) {
            Ok(Some(key)) => Ok(Self { config, credentials, url, key, missing_key }),
            Ok(None) | Err(AuditKeyError::Missing) => {
                Err(Failure::Precondition(format!("audit key is missing; {missing_key}")))
            }
            Err(error) => Err(failed(error)),
        }
    }
}

/// The URL of the database that the server uses, and where it was found.
pub(crate) async fn find_url(console: &Console) -> Result<(Config, Credentials, DatabaseUrl), Failure> {
    let found = find_any_url(console).await?;
    found.2.sqlite_file().map_or(Ok(()), check_exists)?;
    Ok(found)
}

async fn find_any_url(console: &Console) -> Result<(Config, Credentials, DatabaseUrl), Failure> {
    let config = config::load(console.environment())?;
    let credentials = Credentials::load(&config, console.environment()).await.map_err(failed)?;
    let (text, _changes) = credentials.database_url(config.profile, "ops").map_err(failed)?;
    let url: DatabaseUrl = text.parse().map_err(failed)?;
    Ok((config, credentials, url))
}

pub(crate) fn failed(error: impl std::error::Error + 'static) -> Failure {
    Failure::Precondition(with_causes(&error))
}

/// A command never creates a database: in the wrong directory it would report an empty one.
fn check_exists(path: &Path) -> Result<(), Failure> {
    if path.is_file() {
        return Ok(());
    }
    let hint = "the server creates it when it first starts; DATABASE_URL says where it is";
    Err(Failure::Precondition(format!("database {} does not exist: {hint}", path.display())))
}

impl Database {
    pub(crate) async fn open(console: &Console) -> Result<Self, Failure> {
        let DatabaseLocation { config, credentials, url, key, missing_key } =
            DatabaseLocation::find(console).await?;
        let store = open(config.store(url), key, console).await.map_err(|error| {
            let hint = if is_missing_key(&error) { format!("; {missing_key}") } else { String::new() };
            Failure::Precondition(with_causes(&error) + &hint)
        })?;
        Ok(Self { store, config, credentials, operator: operator() })
    }

    /// The operator as audit entries name them.
    pub(crate) fn actor(&self) -> store::Actor<'_> {
        store::Actor::named(&self.operator)
    }
}

/// Opens a database to look at it, even one that the server would refuse because it was replaced. Nothing is written.
pub(crate) async fn open_any(
    config: StoreConfig,
    key: audit::Key,
    console: &Console,
) -> Result<Store, OpenError> {
    let store = Store::open_to_verify(StoreConfig { connections: CONNECTIONS, ..config }, key).await?;
    console.close_at_end(&store);
    Ok(store)
}

/// Opens a database without migrating it.
async fn open(config: StoreConfig, key: audit::Key, console: &Console) -> Result<Store, OpenError> {
    // In the wrong database a command would create tables, and report that they are empty.
    let config = StoreConfig { connections: CONNECTIONS, migrates: false, ..config };
    let store = Store::open(config, key, console.now()).await?;
    console.close_at_end(&store);
    Ok(store)
}

fn is_missing_key(error: &OpenError) -> bool {
    matches!(error, OpenError::Audit(store::Error::Chain(audit::ChainError::UnknownKey { .. })))
}

/// `operator:uid-1000`: the user who runs this process, by the number that the system knows. A name in the environment could be
/// that of anybody.
pub(crate) fn operator() -> String {
    format!("operator:uid-{}", getuid().as_raw())
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        Self::Incomplete(with_causes(&error))
    }
}
