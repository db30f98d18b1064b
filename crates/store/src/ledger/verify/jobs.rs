//! Jobs: those that the chain says are finished are, and no others.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::number::number;
use super::{PAGE, Place, Problem, Run};
use crate::database::sql;
use crate::error::Error;

const LISTED: &str = "SELECT id, event_id, state FROM webhook_jobs WHERE id IN";
const JOBS: &str = "SELECT id, event_id, state FROM webhook_jobs WHERE id > $1 ORDER BY id LIMIT $2";

/// A finished job as the chain lists it.
#[derive(Clone)]
pub(in crate::ledger) struct JobClaim {
    id: i64,
    pub(in crate::ledger) event_id: i64,
    pub(in crate::ledger) state: String,
    /// The number of the audit entry.
    sequence: u64,
}

impl JobClaim {
    /// `None` if it will be attempted again. The job's id is `id`, or in the JSON.
    pub(super) fn parse(json: &Json, id: Option<i64>, sequence: u64) -> Option<Self> {
        let state = json["state"].as_str().filter(|state| *state != "pending")?.to_owned();
        Some(Self {
            id: id.or_else(|| number(&json["job"]))?,
            event_id: number(&json["event"])?,
            state,
            sequence,
        })
    }

    pub(super) fn given_up(json: &Json, sequence: u64) -> Option<Self> {
        let state = "dead".to_owned();
        Some(Self { id: number(&json["job"])?, event_id: number(&json["event"])?, state, sequence })
    }
}

impl JobClaim {
    fn is(&self, (event_id, state): &(i64, String)) -> bool {
        *event_id == self.event_id && (*state == self.state || self.is_requeued(state))
    }

    fn is_requeued(&self, state: &str) -> bool {
        self.state == "dead" && state == "requeued"
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
            self.check_conflict(claim);
            if by_id.get(&claim.id).is_some_and(|(_, state)| claim.is_requeued(state)) {
                self.claims.requeued.push(claim.clone());
            }
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

    /// Nothing that was read before allowed to apply the event of a conflict: what it says is in the books all the same.
    fn check_conflict(&mut self, claim: &JobClaim) {
        let first = self.claims.reopened.get(&claim.event_id).map(|reopened| reopened.first);
        let is_allowed = first.is_some_and(|first| first < claim.sequence);
        if claim.state == "done" && self.claims.conflicts.contains(claim.event_id) && !is_allowed {
            let detail = format!(
                "it applied event {}, whose id came with other content, and nobody replayed it: post a reversal",
                claim.event_id
            );
            self.find(Place::WebhookJobs(claim.id), Problem::Different, detail);
        }
    }

    /// Called when the whole chain is read.
    pub(super) async fn check_jobs(&mut self) -> Result<(), Error> {
        for claim in std::mem::take(&mut self.claims.requeued) {
            let reopened = self.claims.reopened.get(&claim.event_id).map_or(0, |reopened| reopened.last);
            if reopened < claim.sequence {
                let detail = "it is requeued, and the audit chain says that it is dead";
                self.find(Place::WebhookJobs(claim.id), Problem::Altered, detail);
                self.claims.damaged_jobs.insert(claim.id, claim);
            }
        }
        let mut last = i64::MIN;
        loop {
            let rows = self.tx.fetch_all(sql!(JOBS, last, PAGE)).await?;
            for row in &rows {
                self.check_unlisted(row.int("id")?, row.int("event_id")?, &row.text("state")?);
            }
            match rows.last() {
                Some(row) => last = row.int("id")?,
                None => return Ok(()),
            }
        }
    }

    /// A job that the chain does not list as finished is not, and that of a conflict waits for a person.
    fn check_unlisted(&mut self, id: i64, event_id: i64, state: &str) {
        if self.claims.finished.contains(id)
            || (state == "unhandled" && self.claims.conflicts.contains(event_id))
        {
            return;
        }
        let place = Place::WebhookJobs(id);
        if self.claims.is_unapplied_conflict(event_id) {
            let detail =
                format!("it is {state}, and the id of its event came with other content: nobody replayed it");
            self.find(place, Problem::Altered, detail);
            let claim = JobClaim { id, event_id, state: "unhandled".to_owned(), sequence: 0 };
            self.claims.damaged_jobs.insert(id, claim);
        } else if !matches!(state, "pending" | "leased") {
            self.find(place, Problem::Extra, format!("it is {state}, and the audit chain does not say so"));
        }
    }
}
