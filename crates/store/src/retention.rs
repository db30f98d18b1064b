//! Emptying bodies that have been kept long enough. Their hashes stay, so that a copy is still known, and what was audited
//! can still be compared.

use audit::Entry;
use domain::Provider;
use jiff::Timestamp;
use serde_json::json;

use crate::actor::Actor;
use crate::chain;
use crate::database::{Backend, Statement, Tries, values};
use crate::error::Error;
use crate::ids::EventId;
use crate::replay::ALONE;
use crate::store::Store;

/// Deliveries that one call empties, at most.
pub const REDACT_MAX: u32 = 500;

/// Deliveries that nobody works on any more, and whose body is there. What was given up is kept until it is asked for again.
const RIPE: &str = " FROM webhook_events e WHERE e.redacted_at IS NULL AND e.provider = $1 AND e.received_at < $2 \
    AND NOT EXISTS (SELECT 1 FROM webhook_work w WHERE w.event_id = e.id AND w.state IN ('pending', 'leased', 'dead'))";

impl Store {
    /// How many deliveries of a provider, received before a time, have a body that could be emptied.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn count_redactable(
        &self,
        provider: Provider,
        received_before: Timestamp,
    ) -> Result<u64, Error> {
        let sql = format!("SELECT COUNT(*) AS events{RIPE}");
        let mut reader = self.shared.database.reader().await?;
        let rows =
            reader.begin().await?.rows_made(sql.into(), values![provider.as_str(), received_before]).await?;
        let row = rows.first().ok_or_else(|| Error::unreadable("events"))?;
        Ok(row.int("events")?.cast_unsigned())
    }

    /// Empties up to [`REDACT_MAX`] bodies of a provider that were received before a time, and says how many; call again
    /// until it says 0.
    ///
    /// # Errors
    /// [`Error`] of the database; then nothing was emptied.
    pub async fn redact(
        &self,
        provider: Provider,
        received_before: Timestamp,
        actor: Actor<'_>,
        now: Timestamp,
    ) -> Result<u32, Error> {
        let mut tries = Tries::default();
        loop {
            match self.try_redact(provider, received_before, actor, now).await {
                Err(error) if tries.again(&error).await => {}
                outcome => return outcome,
            }
        }
    }

    async fn try_redact(
        &self,
        provider: Provider,
        received_before: Timestamp,
        actor: Actor<'_>,
        now: Timestamp,
    ) -> Result<u32, Error> {
        let mut writer = self.shared.database.writer().await?;
        let mut tx = writer.begin().await?;
        if tx.backend() == Backend::Postgres {
            tx.script(ALONE).await?;
        }
        let ripe = format!("SELECT e.id{RIPE} ORDER BY e.received_at LIMIT $3");
        let rows = tx.rows_made(ripe.into(), values![provider.as_str(), received_before, REDACT_MAX]).await?;
        let events: Result<Vec<EventId>, Error> =
            rows.iter().map(|row| Ok(EventId::new(row.int("id")?))).collect();
        let events = events?;
        if events.is_empty() {
            return Ok(0);
        }
        let mut statement = Statement::new("UPDATE webhook_events SET body = ");
        statement.value(Vec::new()).words(", headers = '{}', redacted_at = ").value(now);
        statement.among(" WHERE id IN", events.iter().map(|id| id.get()));
        let (sql, values) = statement.finish();
        tx.execute_made(sql, values).await?;
        let detail = json!({ "received_before": received_before, "events": events }).to_string();
        let entry =
            Entry::new(now, actor.name, "webhooks.redact", provider.as_str(), actor.request_id, &detail)?;
        chain::append(&mut tx, &self.shared.key, entry).await?;
        tx.commit().await?;
        Ok(u32::try_from(events.len()).unwrap_or(REDACT_MAX))
    }
}
