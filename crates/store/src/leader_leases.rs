//! Leader leases, for work that only one process may do at a time. Acquiring and releasing a lease is audited; renewing it,
//! every few seconds, is not.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::actor::Actor;
use crate::database::{Backend, Operation, retry, sql};
use crate::error::Error;
use crate::standby::{HEARTBEAT, HEARTBEAT_AHEAD};
use crate::store::Store;

/// All replicas renew the same lease.
const HEARTBEAT_OWNER: &str = "all";

const OWNER: &str = "SELECT owner FROM leader_leases WHERE name = $1";
const OWNER_LOCKED: &str = "SELECT owner FROM leader_leases WHERE name = $1 FOR UPDATE";
const RENEW: &str = "UPDATE leader_leases SET lease_until = $3 WHERE name = $1 AND owner = $2";
const ACQUIRE: &str = "INSERT INTO leader_leases (name, owner, lease_until) VALUES ($1, $2, $3) \
    ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, lease_until = excluded.lease_until \
    WHERE leader_leases.lease_until <= $4";
const CLOCK: &str = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT) AS now";
const BEAT: &str = "INSERT INTO leader_leases (name, owner, lease_until) VALUES ($1, $2, $3) \
    ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, lease_until = excluded.lease_until";
const RELEASE: &str = "DELETE FROM leader_leases WHERE name = $1 AND owner = $2";

impl Store {
    /// Acquires or renews the leader lease `name` until `now + hold`. Returns `false` while another owner holds it. `hold` must
    /// be much longer than the clock differences between processes.
    ///
    /// # Errors
    /// [`Error`] of the database; assume that the lease is lost.
    pub async fn acquire_leader_lease(
        &self,
        name: &str,
        owner: &str,
        hold: Duration,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let until = now.saturating_add(SignedDuration::try_from(hold).unwrap_or(SignedDuration::MAX));
        let until = until.unwrap_or(Timestamp::MAX);
        retry(async || {
            let mut writer = self.shared.database.writer(Operation::LeaderLease).await?;
            let mut tx = writer.begin().await?;
            let select = tx.backend().pick(OWNER, OWNER_LOCKED);
            let row = tx.fetch_optional(sql!(select, name)).await?;
            // The last owner, even if its lease has expired.
            let before = row.map(|row| row.text("owner")).transpose()?;
            if before.as_deref() == Some(owner) {
                tx.execute(sql!(RENEW, name, owner, until)).await?;
                tx.commit().await?;
            } else if tx.execute(sql!(ACQUIRE, name, owner, until, now)).await?.rows == 1 {
                let detail = json!({ "owner": owner, "before": before, "until": until });
                let entry = Actor::named(owner).entry("leader.acquire", &object(name), &detail, now)?;
                self.commit(tx, entry).await?;
            } else {
                return Ok(false);
            }
            Ok(true)
        })
        .await
    }

    /// Writes the time of the database, on SQLite `now`, which also shows that it accepts writes.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn write_heartbeat(&self, now: Timestamp) -> Result<(), Error> {
        retry(async || {
            let mut writer = self.shared.database.writer(Operation::LeaderLease).await?;
            let mut tx = writer.begin().await?;
            // Not that of a replica: they differ, and a standby would seem to have what it has not.
            let now = match tx.backend() {
                Backend::Sqlite => now,
                Backend::Postgres => {
                    let row = tx.fetch_optional(sql!(CLOCK)).await?.ok_or(sqlx::Error::RowNotFound)?;
                    row.time("now")?
                }
            };
            let until = now.saturating_add(HEARTBEAT_AHEAD).unwrap_or(Timestamp::MAX);
            tx.execute(sql!(BEAT, HEARTBEAT, HEARTBEAT_OWNER, until)).await?;
            tx.commit().await
        })
        .await
    }

    /// Releases a leader lease, if `owner` holds it.
    ///
    /// # Errors
    /// [`Error`] of the database; the lease expires.
    pub async fn release_leader_lease(&self, name: &str, owner: &str, now: Timestamp) -> Result<(), Error> {
        let detail = json!({ "owner": null, "before": owner });
        let entry = Actor::named(owner).entry("leader.release", &object(name), &detail, now)?;
        retry(async || {
            let mut writer = self.shared.database.writer(Operation::LeaderLease).await?;
            let mut tx = writer.begin().await?;
            if tx.execute(sql!(RELEASE, name, owner)).await?.rows == 0 {
                return Ok(());
            }
            self.commit(tx, entry.clone()).await
        })
        .await
    }
}

fn object(name: &str) -> String {
    format!("leader_leases/{name}")
}
