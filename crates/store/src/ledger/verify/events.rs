//! Stored events: each as the chain lists it, with its proof, and its body.

use serde_json::Value as Json;

use super::number::number;
use super::{PAGE, Place, Problem, Run};
use crate::database::{Row, sql};
use crate::error::Error;
use crate::proof::{self, EVENT_COLUMNS, EvidenceError, Kind};

const LISTED: &str = "SELECT id, channel, dedupe_key, body_sha256 FROM webhook_events WHERE id IN";

/// An event as the chain lists it.
pub(in crate::ledger) struct EventClaim {
    id: i64,
    channel: String,
    dedupe_key: String,
    body_sha256: String,
}

impl EventClaim {
    pub(in crate::ledger) const fn id(&self) -> i64 {
        self.id
    }

    pub(in crate::ledger) fn parse(json: &Json) -> Option<Self> {
        let text = |name: &str| Some(json[name].as_str()?.to_owned());
        let (channel, dedupe_key, body_sha256) =
            (text("channel")?, text("dedupe_key")?, text("body_sha256")?);
        Some(Self { id: number(&json["id"])?, channel, dedupe_key, body_sha256 })
    }

    /// Whether this row is that event.
    pub(in crate::ledger) fn is(&self, row: &Row) -> Result<bool, Error> {
        let Self { id: _, channel, dedupe_key, body_sha256 } = self;
        let is_hash = hex::encode(row.bytes("body_sha256")?) == *body_sha256;
        Ok(is_hash && row.text("channel")? == *channel && row.text("dedupe_key")? == *dedupe_key)
    }
}

impl Run<'_, '_> {
    pub(super) async fn check_listed_events(&mut self, claims: &[EventClaim]) -> Result<(), Error> {
        let ids: Vec<i64> = claims.iter().map(|claim| claim.id).collect();
        let rows = self.tx.fetch_in(sql!(LISTED), &ids, "").await?;
        let mut by_id = std::collections::HashMap::new();
        for row in &rows {
            by_id.insert(row.int("id")?, row);
        }
        for claim in claims {
            self.claims.received.insert(claim.id);
            let place = Place::WebhookEvents(claim.id);
            match by_id.get(&claim.id) {
                None => self.find(place, Problem::Missing, "the audit chain says that it was received"),
                Some(row) if !claim.is(row)? => {
                    self.find(
                        place,
                        Problem::Altered,
                        "the audit chain says that other content was received",
                    );
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    pub(super) async fn check_events(&mut self) -> Result<(), Error> {
        let select = format!(
            "SELECT e.id, {EVENT_COLUMNS}, e.body, e.proof, e.redacted_at, \
             (SELECT COUNT(*) FROM webhook_jobs j WHERE j.event_id = e.id) AS jobs \
             FROM webhook_events e WHERE e.id > $1 ORDER BY e.id LIMIT $2"
        );
        let mut last = i64::MIN;
        loop {
            let rows = self.tx.fetch_all(sql!(select.clone(), last, PAGE)).await?;
            for row in &rows {
                self.check_event(row)?;
            }
            self.result.events += rows.len() as u64;
            match rows.last() {
                Some(row) => last = row.int("id")?,
                None => return Ok(()),
            }
        }
    }

    fn check_event(&mut self, row: &Row) -> Result<(), Error> {
        let id = row.int("id")?;
        let place = || Place::WebhookEvents(id);
        if !self.claims.received.contains(id) {
            self.find(place(), Problem::Extra, "the audit chain does not say that it was received");
            return Ok(());
        }
        let (jobs, expected) = (row.int("jobs")?, self.claims.jobs(id));
        if jobs < expected {
            let detail = format!("the event has {jobs} of {expected} jobs");
            self.find(Place::JobsOf(id), Problem::Missing, detail);
        }
        let is_redacted = row.optional_int("redacted_at")?.is_some();
        let evidence = match is_redacted && row.bytes("body")?.is_empty() {
            false => proof::check_event(self.key, row)?,
            true => {
                let proof = row.optional_bytes("proof")?;
                proof::check(self.key, Kind::Event, &proof::event_columns(row)?, proof.as_deref())
                    .map_err(EvidenceError::Event)
            }
        };
        if let Err(error) = evidence {
            self.find(place(), Problem::Altered, error.to_string());
        }
        if is_redacted != self.claims.redacted.contains(id) {
            let detail = "the audit chain says otherwise of whether it was redacted";
            self.find(place(), Problem::Altered, detail);
        }
        Ok(())
    }
}
