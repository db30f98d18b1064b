//! The database of the server, found and opened as the server does it: the same settings, the same secrets, the same key.

use std::path::Path;

use api_server::assembly;
use api_server::config::Config;
use api_server::logs::with_causes;
use rustix::process::getuid;
use store::{DatabaseUrl, OpenError, Store, StoreConfig};

use crate::console::Console;
use crate::failure::Failure;
use crate::place;

/// Connections that a command needs: one to read, one to write.
const CONNECTIONS: u32 = 2;
/// Longest name of an operator that is recorded, in letters.
const NAME_LETTERS_MAX: usize = 64;

/// An open database, and who asks.
pub(crate) struct Books {
    pub(crate) store: Store,
    pub(crate) config: Config,
    operator: String,
}

/// Where the database is, and the key of its audit chain. Nothing of it is opened.
pub(crate) struct Whereabouts {
    pub(crate) config: Config,
    pub(crate) url: DatabaseUrl,
    pub(crate) key: audit::Key,
}

impl Whereabouts {
    /// As the server would find them from here.
    pub(crate) async fn find(console: &Console) -> Result<Self, Failure> {
        let config = place::load(console.environment(), None).map_err(Failure::Settings)?;
        let found = assembly::secrets(&config, console.environment()).await;
        let found = found.map_err(|error| Failure::Precondition(with_causes(&error)))?;
        let handle = |name| found.secrets.handle(name, "ops");
        let refused = |error: &(dyn std::error::Error + 'static)| Failure::Precondition(with_causes(error));
        let url = assembly::database_url(config.profile, &handle("database_url")?);
        let url = url.map_err(|error| refused(&error))?;
        url.sqlite_file().map_or(Ok(()), is_there)?;
        let key = assembly::audit_key::find(config.profile, &handle("audit_key")?, &url);
        let key = key.map_err(|error| refused(&error))?;
        Ok(Self { config, url, key })
    }
}

/// A command never makes a database: in the wrong directory it would find an empty one, and say that all is well.
fn is_there(path: &Path) -> Result<(), Failure> {
    if path.is_file() {
        return Ok(());
    }
    let hint = "the server makes it when it first starts; DATABASE_URL says where it is";
    Err(Failure::Precondition(format!("there is no database {}: {hint}", path.display())))
}

impl Books {
    /// Opens the database that the server has.
    pub(crate) async fn open(console: &Console) -> Result<Self, Failure> {
        let Whereabouts { config, url, key } = Whereabouts::find(console).await?;
        let store =
            open(url, key, console).await.map_err(|error| Failure::Precondition(with_causes(&error)))?;
        Ok(Self { store, config, operator: operator(console) })
    }

    /// Who asks, as the audit chain names them.
    pub(crate) fn actor(&self) -> store::Actor<'_> {
        store::Actor::named(&self.operator)
    }
}

/// Opens a database as far as a command needs it.
pub(crate) async fn open(url: DatabaseUrl, key: audit::Key, console: &Console) -> Result<Store, OpenError> {
    // In the wrong database a command would make tables, find nothing in them, and say that all is well.
    let config = StoreConfig { connections: CONNECTIONS, migrates: false, ..StoreConfig::new(url) };
    Store::open(config, key, console.now()).await
}

/// `operator:ana`: the name under which this process runs, or its number.
fn operator(console: &Console) -> String {
    let name = console.environment().get("USER").or_else(|| console.environment().get("LOGNAME"));
    let is_plain = |letter: &char| letter.is_ascii_alphanumeric() || "-_.@".contains(*letter);
    let name: String = name.unwrap_or_default().chars().filter(is_plain).take(NAME_LETTERS_MAX).collect();
    if name.is_empty() { format!("operator:uid-{}", getuid().as_raw()) } else { format!("operator:{name}") }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        Self::Broken(with_causes(&error))
    }
}
