//! A standby of the Postgres primary: books are read there while it is at most seconds behind.
//!
//! A standby knows nothing of its delay: it looks fresh while it is disconnected, and old while nobody writes. Therefore every
//! replica renews a row of the primary once a second, and the time in that row says what the standby has.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sqlx::postgres::PgConnectOptions;

use crate::config::{StandbyAddress, StoreConfig};
use crate::database::{PostgresDatabase, Row, Session, sql};
use crate::error::{Error, OpenError};
use crate::url::{Address, DatabaseUrl};

/// The row that every replica renews.
pub(crate) const HEARTBEAT: &str = "health";
/// What the time in that row is ahead of the time at which it was written.
pub(crate) const HEARTBEAT_AHEAD: Duration = Duration::from_secs(5);
/// A standby that is further behind is not read.
const BEHIND_MAX: SignedDuration = SignedDuration::from_secs(5);
/// A standby whose last check was longer ago is not read.
const CHECK_VALID: SignedDuration = SignedDuration::from_secs(3);
/// Longest wait for the answer of a check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);

const STATE: &str =
    "SELECT i.identity, l.lease_until FROM store_identity i, leader_leases l WHERE i.id = 1 AND l.name = $1";

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

impl Standby {
    /// The standby that a configuration names. It is not connected to: the server works without it.
    pub(crate) fn new(config: &StoreConfig) -> Result<Option<Self>, OpenError> {
        let Some(address) = config.standby.clone() else { return Ok(None) };
        let Some(primary) = primary(&config.url) else { return Err(OpenError::NoStandby) };
        let database = PostgresDatabase::standby(&options(&address, primary), config);
        Ok(Some(Self { address, database, seen: Mutex::default() }))
    }

    pub(crate) fn set_url(&self, url: &DatabaseUrl) {
        if let Some(primary) = primary(url) {
            self.database.set_options(&options(&self.address, primary));
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
    pub(crate) fn as_of(&self, now: Timestamp) -> Option<Timestamp> {
        let Seen { as_of, checked_at } = (*self.seen())?;
        let is_fresh =
            now.duration_since(as_of) <= BEHIND_MAX && now.duration_since(checked_at) <= CHECK_VALID;
        is_fresh.then_some(as_of)
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Option<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks what it has, by its newest heartbeat.
    pub(crate) async fn check(
        &self,
        identity: &str,
        now: Timestamp,
    ) -> Result<Option<SignedDuration>, Error> {
        let checked = self.read_heartbeat(identity).await;
        let as_of = checked.as_ref().ok().copied().flatten();
        *self.seen() = as_of.map(|as_of| Seen { as_of, checked_at: now });
        Ok(checked?.map(|as_of| now.duration_since(as_of)))
    }

    async fn read_heartbeat(&self, identity: &str) -> Result<Option<Timestamp>, Error> {
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

fn options(address: &StandbyAddress, primary: &PgConnectOptions) -> PgConnectOptions {
    primary.clone().host(&address.host).port(address.port.unwrap_or(primary.get_port()))
}

/// A connection by a socket has no host to replace.
fn primary(url: &DatabaseUrl) -> Option<&PgConnectOptions> {
    match &url.0 {
        Address::Postgres(address) => Some(&address.options).filter(|options| options.get_socket().is_none()),
        Address::Sqlite(_) => None,
    }
}
