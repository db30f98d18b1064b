//! Which process does what only one may do at a time. Who takes an office or gives it back is audited; who prolongs it,
//! every few seconds, changes nothing.

use std::time::Duration;

use audit::Entry;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::chain;
use crate::database::{Transaction, Tries, values};
use crate::error::Error;
use crate::store::Store;

const HOLDER: &str = "SELECT owner FROM leases WHERE name = $1";
const HOLDER_LOCKED: &str = "SELECT owner FROM leases WHERE name = $1 FOR UPDATE";
const PROLONG: &str = "UPDATE leases SET lease_until = $3 WHERE name = $1 AND owner = $2";
const TAKE: &str = "INSERT INTO leases (name, owner, lease_until) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE \
    SET owner = excluded.owner, lease_until = excluded.lease_until WHERE leases.lease_until <= $4";
const GIVE_BACK: &str = "DELETE FROM leases WHERE name = $1 AND owner = $2";

impl Store {
    /// Whether `owner` holds the office `name` until `now + hold`: because it is free, because its holder let it run out, or
    /// because `owner` held it already and prolongs it. Everyone's clock counts, so hold it much longer than clocks differ.
    ///
    /// # Errors
    /// [`Error`] of the database; then nobody is to act.
    pub async fn elect(
        &self,
        name: &str,
        owner: &str,
        hold: Duration,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let until = now.saturating_add(SignedDuration::try_from(hold).unwrap_or(SignedDuration::MAX));
        let until = until.unwrap_or(Timestamp::MAX);
        let mut tries = Tries::default();
        loop {
            match self.try_elect(name, owner, until, now).await {
                Err(error) if tries.again(&error).await => {}
                outcome => return outcome,
            }
        }
    }

    /// Gives an office back, if `owner` holds it.
    ///
    /// # Errors
    /// [`Error`] of the database; then it runs out by itself.
    pub async fn step_down(&self, name: &str, owner: &str, now: Timestamp) -> Result<(), Error> {
        let mut tries = Tries::default();
        loop {
            match self.try_step_down(name, owner, now).await {
                Err(error) if tries.again(&error).await => {}
                outcome => return outcome,
            }
        }
    }

    async fn try_elect(
        &self,
        name: &str,
        owner: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let mut writer = self.shared.database.writer().await?;
        let mut tx = writer.begin().await?;
        let holder = holder(&mut tx, name).await?;
        if holder.as_deref() == Some(owner) {
            tx.execute(PROLONG, values![name, owner, until]).await?;
        } else if tx.execute(TAKE, values![name, owner, until, now]).await? == 1 {
            let detail = json!({ "holder": owner, "before": holder, "until": until }).to_string();
            let entry = Entry::new(now, owner, "offices.take", &object(name), None, &detail)?;
            chain::append(&mut tx, &self.shared.key, entry).await?;
        } else {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    async fn try_step_down(&self, name: &str, owner: &str, now: Timestamp) -> Result<(), Error> {
        let mut writer = self.shared.database.writer().await?;
        let mut tx = writer.begin().await?;
        if tx.execute(GIVE_BACK, values![name, owner]).await? == 0 {
            return Ok(());
        }
        let detail = json!({ "holder": null, "before": owner }).to_string();
        let entry = Entry::new(now, owner, "offices.give_back", &object(name), None, &detail)?;
        chain::append(&mut tx, &self.shared.key, entry).await?;
        tx.commit().await
    }
}

fn object(name: &str) -> String {
    format!("offices/{name}")
}

/// Who held the office last, whether or not that has run out.
async fn holder(tx: &mut Transaction<'_>, name: &str) -> Result<Option<String>, Error> {
    let sql = tx.backend().pick(HOLDER, HOLDER_LOCKED);
    tx.row(sql, values![name]).await?.map(|row| row.text("owner")).transpose()
}
