//! A standby of the Postgres primary: books are read there while it is at most seconds behind.
//!
//! A standby knows nothing of its delay: it looks fresh while it is disconnected, and old while nobody writes. Therefore every
//! replica renews a row of the primary once a second, and the time in that row says what the standby has.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

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
const CHECK_VALID: Duration = Duration::from_secs(3);
/// A heartbeat that is further in the future is that of a wrong clock.
const AHEAD_MAX: SignedDuration = SignedDuration::from_secs(1);
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
    checked_at: Instant,
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

    /// A connection to a server that has everything until `as_of`: its address may lead to several standbys. `None` if there is none
    /// soon; the primary is read then.
    pub(crate) async fn session(&self, identity: &str, as_of: Timestamp) -> Option<Session> {
        let connect = async {
            let mut session = self.database.session().await?;
            let found = read_heartbeat(&mut session, identity).await?;
            Ok::<_, Error>((session, found))
        };
        match tokio::time::timeout(CHECK_TIMEOUT, connect).await {
            Ok(Ok((session, Some(found)))) if found >= as_of => Some(session),
            Ok(_) | Err(_) => None,
        }
    }

    /// Until when the standby has everything, if it may be read at `now`: it is not too far behind, or there is no primary.
    pub(crate) fn as_of(&self, now: Timestamp, is_primary_down: bool) -> Option<Timestamp> {
        let Seen { as_of, checked_at } = (*self.seen())?;
        let behind = now.duration_since(as_of);
        let is_fresh = behind <= BEHIND_MAX || is_primary_down;
        (is_fresh && behind >= -AHEAD_MAX && checked_at.elapsed() <= CHECK_VALID).then_some(as_of.min(now))
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
        let checked = self.newest_heartbeat(identity).await;
        let as_of = checked.as_ref().ok().copied().flatten();
        *self.seen() = as_of.map(|as_of| Seen { as_of, checked_at: Instant::now() });
        Ok(checked?.map(|as_of| now.duration_since(as_of)))
    }

    async fn newest_heartbeat(&self, identity: &str) -> Result<Option<Timestamp>, Error> {
        let read = async { read_heartbeat(&mut self.database.session().await?, identity).await };
        tokio::time::timeout(CHECK_TIMEOUT, read).await.map_err(|_elapsed| Error::Timeout)?
    }
}

/// The newest heartbeat that a server has of this database.
async fn read_heartbeat(session: &mut Session, identity: &str) -> Result<Option<Timestamp>, Error> {
    let row = session.begin_read().await?.fetch_optional(sql!(STATE, HEARTBEAT)).await?;
    let beat = |row: Row| {
        if row.text("identity")? != identity {
            return Err(Error::Standby);
        }
        let until = row.time("lease_until")?;
        until.checked_sub(HEARTBEAT_AHEAD).map_err(|_| Error::decode("lease_until"))
    };
    row.map(beat).transpose()
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
