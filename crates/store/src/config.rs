//! The address and the limits of a store.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::url::DatabaseUrl;

/// Default limit of queued deliveries. At 12,000 a second they take a third of a second.
pub const QUEUE_DELIVERIES: usize = 4096;
/// Default longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Default limit of connections.
pub const CONNECTIONS: u32 = 10;

/// Where a standby is: the host and the port that replace those of the database URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandbyAddress {
    /// A name or an IP address.
    pub host: String,
    /// By default that of the database URL.
    pub port: Option<u16>,
}

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// SQLite or Postgres.
    pub url: DatabaseUrl,
    /// Most deliveries that wait to be stored; further ones are refused as [`Busy`](crate::ReceiveError::Busy).
    pub queue_deliveries: usize,
    /// Most connections to Postgres, or readers of SQLite. The inbox has an additional one.
    pub connections: u32,
    /// Longest wait for a connection. By default that of the URL, else 3 seconds.
    pub connect_timeout: Duration,
    /// Longest duration of one statement.
    pub statement_timeout: Duration,
    /// The file that tells this database from others and from older copies of it. By default it is beside the SQLite file, and
    /// Postgres has none. Without one, a database is accepted as it is when it is opened.
    pub checkpoint: Option<PathBuf>,
    /// Replicas of the server that share the database: together they must not need more connections than Postgres allows.
    pub replicas: u32,
    /// A standby, from which books may be read.
    pub standby: Option<StandbyAddress>,
    /// Whether to apply missing migrations. If not, a database with missing migrations is not opened.
    pub migrates: bool,
}

impl StoreConfig {
    /// The default limits, for the database at `url`.
    #[must_use]
    pub fn new(url: DatabaseUrl) -> Self {
        let connect_timeout = url.connect_timeout().unwrap_or(CONNECT_TIMEOUT);
        Self {
            checkpoint: url.sqlite_file().map(checkpoint_beside),
            url,
            queue_deliveries: QUEUE_DELIVERIES,
            connections: CONNECTIONS,
            connect_timeout,
            statement_timeout: Duration::from_secs(10),
            replicas: 1,
            standby: None,
            migrates: true,
        }
    }
}

fn checkpoint_beside(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".checkpoint");
    path.into()
}
