//! Jobs: those that the chain says are finished are, and no others.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::number::number;
use super::{PAGE, Place, Problem, Run};
use crate::database::sql;
use crate::error::Error;

const LISTED: &str = "SELECT id, event_id, state FROM webhook_jobs WHERE id IN";
// A job of an event whose id came with other content is never attempted.
const FINISHED: &str = "SELECT j.id, j.state FROM webhook_jobs j JOIN webhook_events e ON e.id = j.event_id \
    WHERE j.state IN ('done', 'unhandled', 'dead', 'requeued') AND j.id > $1 \
    AND NOT (j.state = 'unhandled' AND j.attempts = 0 AND e.dedupe_key LIKE '%sha256:%') ORDER BY j.id LIMIT $2";

/// A finished job as the chain lists it.
#[derive(Clone)]
pub(in crate::ledger) struct JobClaim {
    id: i64,
    pub(in crate::ledger) event_id: i64,
    pub(in crate::ledger) state: String,
}

impl JobClaim {
    /// `None` if it will be attempted again. The job's id is `id`, or in the JSON.
    pub(super) fn parse(json: &Json, id: Option<i64>) -> Option<Self> {
        let state = json["state"].as_str().filter(|state| *state != "pending")?.to_owned();
        Some(Self { id: id.or_else(|| number(&json["job"]))?, event_id: number(&json["event"])?, state })
    }

    pub(super) fn given_up(json: &Json) -> Option<Self> {
        let state = "dead".to_owned();
        Some(Self { id: number(&json["job"])?, event_id: number(&json["event"])?, state })
    }
}

impl JobClaim {
    fn is(&self, (event_id, state): &(i64, String)) -> bool {
        let is_state = *state == self.state || (self.state == "dead" && state == "requeued");
        *event_id == self.event_id && is_state
    }
}

impl Run<'_, '_> {
    pub(super) async fn check_listed_jobs(&mut self, claims: &[JobClaim]) -> Result<(), Error> {
        let ids: Vec<i64> = claims.iter().map(|claim| claim.id).collect();
        let mut by_id = HashMap::new();
        for row in self.tx.fetch_in(sql!(LISTED), &ids, "").await? {
            by_id.insert(row.int("id")?, (row.int("event_id")?, row.text("state")?));
        }
        for claim in claims {
            self.claims.finished.insert(claim.id);
            let problem = match by_id.get(&claim.id) {
                None => Problem::Missing,
                Some(stored) if claim.is(stored) => continue,
                Some(_) => Problem::Altered,
            };
            let detail =
                format!("the audit chain says that it is {}, of event {}", claim.state, claim.event_id);
            self.find(Place::WebhookJobs(claim.id), problem, detail);
            self.claims.damaged_jobs.insert(claim.id, claim.clone());
        }
        Ok(())
    }

    pub(super) async fn check_jobs(&mut self) -> Result<(), Error> {
        let mut last = i64::MIN;
        loop {
            let rows = self.tx.fetch_all(sql!(FINISHED, last, PAGE)).await?;
            for row in &rows {
                let id = row.int("id")?;
                if !self.claims.finished.contains(id) {
                    let detail = format!("it is {}, and the audit chain does not say so", row.text("state")?);
                    self.find(Place::WebhookJobs(id), Problem::Extra, detail);
                }
            }
            match rows.last() {
                Some(row) => last = row.int("id")?,
                None => return Ok(()),
            }
        }
    }
}
