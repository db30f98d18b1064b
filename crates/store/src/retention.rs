//! Redacts old events by emptying their bodies. The hashes remain, so that duplicates are recognized and audit entries can be
//! verified.

use domain::Provider;
use jiff::Timestamp;
use serde_json::json;

use crate::actor::Actor;
use crate::database::{Backend, Operation, retry, sql};
use crate::error::Error;
use crate::replay::{LOCK, event_ids};
use crate::store::Store;

/// Most events of one call.
pub const REDACT_MAX: u32 = 500;

/// Events with a body and without an unfinished job. A dead letter keeps its body until it is requeued.
const REDACTABLE: &str = " FROM webhook_events e WHERE e.redacted_at IS NULL AND e.provider = $1 AND e.received_at < $2 \
    AND NOT EXISTS (SELECT 1 FROM webhook_jobs j WHERE j.event_id = e.id AND j.state IN ('pending', 'leased', 'dead'))";
const REDACT: &str = "UPDATE webhook_events SET body = $1, headers = '{}', redacted_at = $2 WHERE id IN";

impl Store {
    /// Number of redactable events of a provider that were received before a time.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn count_redactable(
        &self,
        provider: Provider,
        received_before: Timestamp,
    ) -> Result<u64, Error> {
        let count = format!("SELECT COUNT(*) AS count{REDACTABLE}");
        let statement = sql!(count, provider.as_str(), received_before);
        self.shared.database.reader(Operation::Other).await?.begin().await?.count(statement).await
    }

    /// Redacts up to [`REDACT_MAX`] events of a provider that were received before a time, and returns their number. Call
    /// again until it is 0.
    ///
    /// # Errors
    /// [`Error`] of the database; no event is redacted.
    pub async fn redact(
        &self,
        provider: Provider,
        received_before: Timestamp,
        actor: Actor<'_>,
        now: Timestamp,
    ) -> Result<u32, Error> {
        retry(async || {
            let mut writer = self.shared.database.writer(Operation::Events).await?;
            let mut tx = writer.begin().await?;
            if tx.backend() == Backend::Postgres {
                tx.script(LOCK).await?;
            }
            let select = format!("SELECT e.id{REDACTABLE} ORDER BY e.received_at LIMIT $3");
            let select = sql!(select, provider.as_str(), received_before, REDACT_MAX);
            let events = event_ids(&mut tx, select, "id").await?;
            if events.is_empty() {
                return Ok(0);
            }
            let ids = events.iter().map(|id| id.get());
            tx.execute(sql!(REDACT, Vec::new(), now).push_in(ids)).await?;
            let detail = json!({ "received_before": received_before, "events": events });
            self.commit(tx, actor.entry("webhooks.redact", provider.as_str(), &detail, now)?).await?;
            Ok(u32::try_from(events.len()).unwrap_or(REDACT_MAX))
        })
        .await
    }
}
