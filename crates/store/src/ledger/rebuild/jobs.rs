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
const FIRST: &str = "INSERT INTO webhook_jobs (event_id, provider, resource, cause, state, next_at, created_at) \
    SELECT id, provider, resource, 'received', 'pending', CAST($2 AS BIGINT), received_at FROM webhook_events WHERE id = $1 \
    AND NOT EXISTS (SELECT 1 FROM webhook_jobs WHERE event_id = $1)";

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
                Place::JobsOf(event) => {
                    self.result.jobs += self.tx.execute(sql!(FIRST, *event, self.now)).await?.rows;
                }
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
                | Place::ProviderAccounts(_) => {}
            }
        }
        Ok(())
    }
}
