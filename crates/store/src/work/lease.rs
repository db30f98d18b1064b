//! Taking work, and giving it back untouched.
//!
//! Whose hands work is in is not audited: it changes nothing that is known or owed, it ends by itself, and what comes of it,
//! applied, failed or given up, is. What came in by a channel that this program does not know is left alone, neither taken
//! nor lost: after a rollback, or while servers are replaced one by one, a newer program is there for it.

mod due;

use std::sync::Arc;
use std::time::Duration;

use audit::Entry;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{ATTEMPTS_MAX, Leased};
use crate::chain;
use crate::database::{Backend, Row, Statement, Transaction, Tries, values};
use crate::error::Error;
use crate::ids::{EventId, WorkId};
use crate::store::Store;

pub(crate) use due::Strangers;

/// Pieces of work that are leased at once, at most.
pub const LEASE_MAX: u32 = 256;

/// Attempts for which work is leased together with other work. What has not been finished by then is leased alone: if it
/// kills its worker or stops the database, it takes no other work with it until it is given up.
const TOGETHER_ATTEMPTS_MAX: u32 = 2;

/// Two processes that lease at once could each take a part of one object's work; they wait for each other.
const ALONE: &str = "SELECT pg_advisory_xact_lock(4211500171)";

// Who applies work at this moment holds its row, whatever the lease says: they are let finish.
const EXPIRED: &str = "SELECT id, event_id, attempts FROM webhook_work \
    WHERE state = 'leased' AND lease_until <= $1 ORDER BY id LIMIT 256";
const EXPIRED_UNHELD: &str = "SELECT id, event_id, attempts FROM webhook_work \
    WHERE state = 'leased' AND lease_until <= $1 ORDER BY id LIMIT 256 FOR UPDATE SKIP LOCKED";

impl Store {
    /// Takes up to `max` pieces of work that are due, oldest first, until `now + hold`; what was tried before without an
    /// end is taken alone. Work whose holder let the time run out is taken back first, and given up when that was its last
    /// attempt.
    ///
    /// # Errors
    /// [`Error`] of the database; then nothing is leased.
    pub async fn lease(
        &self,
        owner: &str,
        max: u32,
        hold: Duration,
        now: Timestamp,
    ) -> Result<Vec<Leased>, Error> {
        if !self.is_there_work(now).await? {
            return Ok(Vec::new());
        }
        let owner: Arc<str> = owner.into();
        let mut tries = Tries::default();
        loop {
            match self.try_lease(&owner, max.min(LEASE_MAX), hold, now).await {
                Err(error) if tries.again(&error).await => {}
                outcome => return outcome,
            }
        }
    }

    /// Gives work back untouched, as when a worker stops; the attempt is not counted.
    ///
    /// # Errors
    /// [`Error`] of the database; then the leases run out by themselves.
    pub async fn release(&self, leased: &[Leased]) -> Result<(), Error> {
        let mut writer = self.shared.database.writer().await?;
        let mut tx = writer.begin().await?;
        let sql = "UPDATE webhook_work SET state = 'pending', attempts = attempts - 1, lease_owner = NULL, lease_until = NULL \
                   WHERE id = $1 AND state = 'leased' AND lease_owner = $2 AND attempts = $3";
        for leased in leased {
            tx.execute(sql, values![leased.work.get(), &*leased.owner, leased.attempt]).await?;
        }
        tx.commit().await
    }

    /// A look that takes no lock, since most looks find nothing.
    async fn is_there_work(&self, now: Timestamp) -> Result<bool, Error> {
        let mut reader = self.shared.database.reader().await?;
        let mut tx = reader.begin().await?;
        if due::is_there_any(&mut tx, now).await? {
            return Ok(true);
        }
        self.shared.strangers.tell(&mut tx).await?;
        Ok(false)
    }

    async fn try_lease(
        &self,
        owner: &Arc<str>,
        max: u32,
        hold: Duration,
        now: Timestamp,
    ) -> Result<Vec<Leased>, Error> {
        let mut writer = self.shared.database.writer().await?;
        let mut tx = writer.begin().await?;
        if tx.backend() == Backend::Postgres {
            tx.script(ALONE).await?;
        }
        let given_up = take_back(&mut tx, now).await?;
        let rows = due::rows(&mut tx, max, now).await?;
        let mut leased = rows.iter().map(|row| leased(row, owner)).collect::<Result<Vec<_>, _>>()?;
        leased.truncate(together(&leased));
        let until = now.saturating_add(SignedDuration::try_from(hold).unwrap_or(SignedDuration::MAX));
        mark(&mut tx, &leased, owner, until.unwrap_or(Timestamp::MAX)).await?;
        if let Some(entry) = given_up {
            chain::append(&mut tx, &self.shared.key, entry).await?;
        }
        tx.commit().await?;
        Ok(leased)
    }
}

/// How many of these, from the first, may be leased together.
fn together(leased: &[Leased]) -> usize {
    let is_suspect = |leased: &Leased| leased.attempt > TOGETHER_ATTEMPTS_MAX;
    leased.iter().position(is_suspect).unwrap_or(leased.len()).max(1)
}

fn leased(row: &Row, owner: &Arc<str>) -> Result<Leased, Error> {
    Ok(Leased {
        work: WorkId::new(row.int("id")?),
        event: EventId::new(row.int("event_id")?),
        channel: row.parsed("channel")?,
        event_type: row.text("event_type")?,
        object: row.text("object")?,
        body: Bytes::from(row.bytes("body")?),
        received_at: row.time("received_at")?,
        cause: row.parsed("cause")?,
        attempt: row.count("attempts")?.saturating_add(1),
        owner: owner.clone(),
    })
}

async fn mark(
    tx: &mut Transaction<'_>,
    leased: &[Leased],
    owner: &str,
    until: Timestamp,
) -> Result<(), Error> {
    if leased.is_empty() {
        return Ok(());
    }
    let mut statement =
        Statement::new("UPDATE webhook_work SET state = 'leased', attempts = attempts + 1, lease_owner = ");
    statement.value(owner).words(", lease_until = ").value(until);
    statement.among(" WHERE id IN", leased.iter().map(|leased| leased.work.get()));
    let (sql, values) = statement.finish();
    tx.execute_made(sql, values).await?;
    Ok(())
}

/// Takes back what was held too long. What was held too long for the last time is given up, which is recorded.
async fn take_back(tx: &mut Transaction<'_>, now: Timestamp) -> Result<Option<Entry>, Error> {
    let rows = tx.rows(tx.backend().pick(EXPIRED, EXPIRED_UNHELD), values![now]).await?;
    let mut given_up = Vec::new();
    for row in rows {
        let (work, event) = (row.int("id")?, row.int("event_id")?);
        if row.count("attempts")? >= ATTEMPTS_MAX {
            let sql = "UPDATE webhook_work SET state = 'dead', lease_owner = NULL, lease_until = NULL, finished_at = $2, \
                       last_error = 'its holders let the lease run out' WHERE id = $1";
            tx.execute(sql, values![work, now]).await?;
            given_up.push(json!({ "work": work, "event": event }));
        } else {
            let sql = "UPDATE webhook_work SET state = 'pending', lease_owner = NULL, lease_until = NULL WHERE id = $1";
            tx.execute(sql, values![work]).await?;
        }
    }
    if given_up.is_empty() {
        return Ok(None);
    }
    let detail = json!({ "reason": "lease", "work": given_up }).to_string();
    Ok(Some(Entry::new(now, "worker", "webhooks.give_up", "webhook_work", None, &detail)?))
}
