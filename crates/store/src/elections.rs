//! Which process does what only one may do at a time.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::database::{Tries, values};
use crate::error::Error;
use crate::store::Store;

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
        let mut tries = Tries::default();
        loop {
            match self.try_elect(name, owner, hold, now).await {
                Err(error) if tries.again(&error).await => {}
                outcome => return outcome,
            }
        }
    }

    /// Gives an office back, if `owner` holds it.
    ///
    /// # Errors
    /// [`Error`] of the database; then it runs out by itself.
    pub async fn step_down(&self, name: &str, owner: &str) -> Result<(), Error> {
        let mut writer = self.shared.database.writer().await?;
        let mut tx = writer.begin().await?;
        tx.execute("DELETE FROM leases WHERE name = $1 AND owner = $2", values![name, owner]).await?;
        tx.commit().await
    }

    async fn try_elect(
        &self,
        name: &str,
        owner: &str,
        hold: Duration,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let until = now.saturating_add(SignedDuration::try_from(hold).unwrap_or(SignedDuration::MAX));
        let mut writer = self.shared.database.writer().await?;
        let mut tx = writer.begin().await?;
        let sql = "INSERT INTO leases (name, owner, lease_until) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE \
                   SET owner = excluded.owner, lease_until = excluded.lease_until \
                   WHERE leases.owner = excluded.owner OR leases.lease_until <= $4";
        let values = values![name, owner, until.unwrap_or(Timestamp::MAX), now];
        let is_elected = tx.execute(sql, values).await? == 1;
        tx.commit().await?;
        Ok(is_elected)
    }
}
