//! Jobs, set to what the audit chain says, and events that cannot be restored.

use super::Work;
use crate::database::{Backend, sql};
use crate::error::Error;
use crate::ledger::verify::{Finding, LedgerVerification, Place, Problem};

const SET: &str = "UPDATE webhook_jobs SET event_id = $2, state = $3 WHERE id = $1";
const AGAIN: &str = "UPDATE webhook_jobs SET state = 'pending', attempts = 0, next_at = $2, finished_at = NULL, \
    last_error = NULL WHERE id = $1";
const INSERT: &str = "INSERT INTO webhook_jobs (id, event_id, provider, resource, cause, state, next_at, created_at, finished_at) \
    SELECT CAST($1 AS BIGINT), id, provider, resource, 'received', CAST($3 AS TEXT), received_at, received_at, CAST($4 AS BIGINT) \
    FROM webhook_events WHERE id = $2";
// An id that was given out already.
const INSERT_OVERRIDING: &str = "INSERT INTO webhook_jobs \
    (id, event_id, provider, resource, cause, state, next_at, created_at, finished_at) OVERRIDING SYSTEM VALUE \
    SELECT CAST($1 AS BIGINT), id, provider, resource, 'received', CAST($3 AS TEXT), received_at, received_at, CAST($4 AS BIGINT) \
    FROM webhook_events WHERE id = $2";
const ADD: &str = "INSERT INTO webhook_jobs (event_id, provider, resource, cause, state, next_at, created_at, finished_at) \
    SELECT id, provider, resource, 'received', CAST($3 AS TEXT), CAST($2 AS BIGINT), received_at, CAST($5 AS BIGINT) \
    FROM webhook_events WHERE id = $1 AND (SELECT COUNT(*) FROM webhook_jobs WHERE event_id = $1) < $4";

impl Work<'_, '_> {
    pub(super) async fn restore_jobs(&mut self, found: &LedgerVerification) -> Result<(), Error> {
        for (id, claim) in &self.claims.damaged_jobs.clone() {
            let (event, state) = (claim.event_id, claim.state.as_str());
            let changed = self.tx.execute(sql!(SET, *id, event, state)).await?.rows;
            if changed == 0 {
                let insert = match self.tx.backend() {
                    Backend::Sqlite => INSERT,
                    Backend::Postgres => INSERT_OVERRIDING,
                };
                self.tx.execute(sql!(insert, *id, event, state, self.now)).await?;
            }
            self.result.jobs += 1;
        }
        for finding in &found.findings {
            match &finding.place {
                // The audit chain does not say that it is finished: it is applied again.
                Place::WebhookJobs(id) if finding.problem == Problem::Extra => {
                    self.tx.execute(sql!(AGAIN, *id, self.now)).await?;
                    self.result.jobs += 1;
                }
                Place::JobsOf(event) => self.add_jobs(*event).await?,
                Place::WebhookEvents(_) => self.result.lost.push(Finding::clone(finding)),
                Place::WebhookJobs(_)
                | Place::Close(_)
                | Place::AuditEntries(_)
                | Place::Facts(_)
                | Place::FactsOf(_)
                | Place::LedgerTransactions(_)
                | Place::LedgerTransactionsOf(_)
                | Place::LedgerEntries(_)
                | Place::LedgerBalances(_)
                | Place::LedgerSubjects(_)
                | Place::Journals(_)
                | Place::ProviderAccounts(_) => {}
            }
        }
        Ok(())
    }

    /// Adds the jobs that an event lacks. They apply it again, unless that is for a person to decide.
    async fn add_jobs(&mut self, event: i64) -> Result<(), Error> {
        let is_conflict = self.claims.is_unapplied_conflict(event);
        let (state, finished_at) =
            if is_conflict { ("unhandled", Some(self.now)) } else { ("pending", None) };
        loop {
            let add = sql!(ADD, event, self.now, state, self.claims.jobs(event), finished_at);
            match self.tx.execute(add).await?.rows {
                0 => return Ok(()),
                added => self.result.jobs += added,
            }
        }
    }
}
