//! A standby of the Postgres primary: books are read there while it is at most seconds behind.
//!
//! A standby knows nothing of its delay: it looks fresh while it is disconnected, and old while nobody writes. Therefore every
//! replica renews a row of the primary once a second, and the time in that row says what the standby has.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sqlx::postgres::PgConnectOptions;

use crate::config::StoreConfig;
use crate::database::{PostgresDatabase, Reader, Row, Session, sql};
use crate::error::{Error, OpenError};
use crate::leader_leases::{HEARTBEAT, HEARTBEAT_AHEAD};
use crate::store::Store;
use crate::url::{Address, DatabaseUrl};

/// A standby that is further behind is not read.
const BEHIND_MAX: SignedDuration = SignedDuration::from_secs(5);
/// A standby whose last check was longer ago is not read.
const CHECK_VALID: SignedDuration = SignedDuration::from_secs(3);
/// Longest wait for the answer of a check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);

const STATE: &str =
    "SELECT i.identity, l.lease_until FROM store_identity i, leader_leases l WHERE i.id = 1 AND l.name = $1";

/// Where a standby is: the host and the port that replace those of the database URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandbyAddress {
    /// A name or an IP address.
    pub host: String,
    /// By default that of the database URL.
    pub port: Option<u16>,
}

/// A standby, and what its last check has found.
pub(crate) struct Standby {
    address: StandbyAddress,
    database: PostgresDatabase,
    seen: Mutex<Option<Seen>>,
}

#[derive(Clone, Copy)]
struct Seen {
    /// Whatever was committed until then is there.
    as_of: Timestamp,
    checked_at: Timestamp,
}

impl StandbyAddress {
    fn options(&self, primary: &PgConnectOptions) -> PgConnectOptions {
        primary.clone().host(&self.host).port(self.port.unwrap_or(primary.get_port()))
    }
}

impl Standby {
    /// The standby that a configuration names. It is not connected to: the server works without it.
    pub(crate) fn new(config: &StoreConfig) -> Result<Option<Self>, OpenError> {
        let Some(address) = config.standby.clone() else { return Ok(None) };
        let Some(primary) = primary(&config.url) else { return Err(OpenError::NoStandby) };
        let database = PostgresDatabase::standby(&address.options(primary), config);
        Ok(Some(Self { address, database, seen: Mutex::default() }))
    }

    pub(crate) fn set_url(&self, url: &DatabaseUrl) {
        if let Some(primary) = primary(url) {
            self.database.set_options(&self.address.options(primary));
        }
    }

    pub(crate) async fn close(&self) {
        self.database.close().await;
    }

    /// A connection, if there is one at once; the primary is read otherwise.
    pub(crate) async fn session(&self) -> Option<Session> {
        match tokio::time::timeout(CHECK_TIMEOUT, self.database.session()).await {
            Ok(Ok(session)) => Some(session),
            Ok(Err(_)) | Err(_) => None,
        }
    }

    /// Until when the standby has everything, if it may be read at `now`.
    fn as_of(&self, now: Timestamp) -> Option<Timestamp> {
        let Seen { as_of, checked_at } = (*self.seen())?;
        let is_fresh =
            now.duration_since(as_of) <= BEHIND_MAX && now.duration_since(checked_at) <= CHECK_VALID;
        is_fresh.then_some(as_of)
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Option<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn check(&self, identity: &str) -> Result<Option<Timestamp>, Error> {
        let read = async {
            let mut session = self.database.session().await?;
            session.begin_read().await?.fetch_optional(sql!(STATE, HEARTBEAT)).await
        };
        let row = tokio::time::timeout(CHECK_TIMEOUT, read).await.map_err(|_elapsed| Error::Timeout)??;
        let beat = |row: Row| {
            if row.text("identity")? != identity {
                return Err(Error::Standby);
            }
            let until = row.time("lease_until")?;
            until.checked_sub(HEARTBEAT_AHEAD).map_err(|_| Error::decode("lease_until"))
        };
        row.map(beat).transpose()
    }
}

/// A connection by a socket has no host to replace.
fn primary(url: &DatabaseUrl) -> Option<&PgConnectOptions> {
    match &url.0 {
        Address::Postgres(address) => Some(&address.options).filter(|options| options.get_socket().is_none()),
        Address::Sqlite(_) => None,
    }
}

impl Store {
    /// Whether there is a standby.
    #[must_use]
    pub fn has_standby(&self) -> bool {
        self.shared.standby.is_some()
    }

    /// Asks the standby what it has, by the newest [heartbeat](Self::write_heartbeat) there. Returns how far it is behind at `now`; `None`
    /// if there is no standby, or it has no heartbeat yet. Call it more than once a second.
    ///
    /// # Errors
    /// [`Error::Standby`] for that of another database, and errors of the connection: the standby is not read.
    pub async fn check_standby(&self, now: Timestamp) -> Result<Option<SignedDuration>, Error> {
        let Some(standby) = &self.shared.standby else { return Ok(None) };
        let identity = self.shared.storage.identity().await;
        let checked = standby.check(&identity).await;
        let as_of = checked.as_ref().ok().copied().flatten();
        *standby.seen() = as_of.map(|as_of| Seen { as_of, checked_at: now });
        Ok(checked?.map(|as_of| now.duration_since(as_of)))
    }

    /// A store that reads books from the standby, and until when the standby has everything; `None` if there is none that may be
    /// read at `now`.
    #[must_use]
    pub fn on_standby(&self, now: Timestamp) -> Option<(Self, Timestamp)> {
        let as_of = self.shared.standby.as_ref()?.as_of(now)?;
        Some((Self { reads_standby: true, ..self.clone() }, as_of))
    }

    /// A connection for reading books.
    pub(crate) async fn book_reader(&self) -> Result<Reader, Error> {
        let standby = self.shared.standby.as_ref().filter(|_| self.reads_standby);
        if let Some(standby) = standby
            && let Some(session) = standby.session().await
        {
            self.shared.database.check_files()?;
            return Ok(Reader::Postgres(session));
        }
        self.shared.database.reader().await
    }
}
