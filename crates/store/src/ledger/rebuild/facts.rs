//! Facts that are missing, read again from the events of their batch. They are inserted only if the batch is then exactly what
//! its audit entry says, so that a changed setting or another version never makes other facts.

use std::collections::BTreeMap;

use audit::{Key, SealedEntry};
use domain::Fact;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};
use webhooks::{Interpretation, ProviderSettings};

use super::Work;
use crate::audit_log;
use crate::database::{Value, sql, values};
use crate::error::Error;
use crate::ledger::batch::{digest, fact_columns};
use crate::ledger::verify::{BatchClaim, Finding, Place, Problem, batches, number};
use crate::proof::{self, EVENT_COLUMNS, Kind};

const KNOWN: &str = "SELECT id FROM facts WHERE id IN";
const OF_BATCH: &str = "SELECT id, proof FROM facts WHERE batch = $1 ORDER BY id";
const INSERT: &str = "INSERT INTO facts (id, subject, at, body, recorded_at, batch, proof) VALUES ";

/// A fact that may have been in a batch.
struct Candidate {
    subject: String,
    id: Vec<u8>,
    row: Vec<Value>,
    proof: Vec<u8>,
}

impl Work<'_, '_> {
    /// Inserts the missing facts of the batches of an audit entry.
    pub(super) async fn restore_facts(
        &mut self,
        sequence: u64,
        settings: &ProviderSettings,
    ) -> Result<(), Error> {
        let page = audit_log::page(self.tx, sequence.saturating_sub(1)).await?;
        let Some(sealed) = page.first().filter(|sealed| sealed.sequence == sequence) else { return Ok(()) };
        let detail = serde_json::from_str(sealed.entry.detail()).unwrap_or_default();
        for claim in batches(sequence, &detail) {
            self.restore_batch(sealed, &claim, settings).await?;
        }
        Ok(())
    }

    async fn restore_batch(
        &mut self,
        sealed: &SealedEntry,
        claim: &BatchClaim,
        settings: &ProviderSettings,
    ) -> Result<(), Error> {
        let mut proofs: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        for row in self.tx.fetch_all(sql!(OF_BATCH, claim.id)).await? {
            proofs.insert(row.bytes("id")?, row.optional_bytes("proof")?.unwrap_or_default());
        }
        let is_whole = |proofs: &BTreeMap<Vec<u8>, Vec<u8>>| {
            (proofs.len() as u64, digest(proofs.values())) == claim.facts
        };
        if is_whole(&proofs) {
            return Ok(());
        }
        let key = self.key.clone().with_current(sealed.key).unwrap_or_else(|| self.key.clone());
        let (mut subjects, mut rows) = (Vec::new(), Vec::new());
        for Candidate { subject, id, row, proof } in self.candidates(sealed, claim.id, settings, &key).await?
        {
            proofs.insert(id, proof);
            subjects.push(subject);
            rows.push(row);
        }
        if !is_whole(&proofs) {
            let detail =
                "its facts are not those of its events: a body was redacted, or a setting was changed since";
            self.result.lost.push(Finding::new(Place::FactsOf(sealed.sequence), Problem::Missing, detail));
            return Ok(());
        }
        self.result.restored_facts += rows.len() as u64;
        self.subjects.extend(subjects);
        self.tx.insert_rows(INSERT, rows, "").await.map(drop)
    }

    /// The facts of the events that an audit entry applied which are not stored.
    async fn candidates(
        &mut self,
        sealed: &SealedEntry,
        batch: i64,
        settings: &ProviderSettings,
        key: &Key,
    ) -> Result<Vec<Candidate>, Error> {
        let mut rows = BTreeMap::new();
        for fact in self.read_again(sealed, settings).await? {
            let body = serde_json::to_string(&fact).map_err(Error::encode)?;
            let (id, subject) = (Sha256::digest(&body).to_vec(), fact.subject.to_string());
            let columns =
                fact_columns(&subject, fact.at.as_microsecond(), &body, sealed.entry.at_us(), batch);
            let proof = proof::prove(key, Kind::Fact, &columns);
            let row = [values![id.clone()], columns, values![proof.clone()]].concat();
            rows.insert(id.clone(), Candidate { subject, id, row, proof });
        }
        let ids: Vec<Vec<u8>> = rows.keys().cloned().collect();
        for row in self.tx.fetch_in(sql!(KNOWN), &ids, "").await? {
            rows.remove(&row.bytes("id")?);
        }
        Ok(rows.into_values().collect())
    }

    /// The facts of the proved events that an audit entry applied.
    async fn read_again(
        &mut self,
        sealed: &SealedEntry,
        settings: &ProviderSettings,
    ) -> Result<Vec<Fact>, Error> {
        let detail: Json = serde_json::from_str(sealed.entry.detail()).unwrap_or_default();
        let applied = detail["applied"].as_array().into_iter().flatten();
        let done = applied.filter(|job| job["state"] == "done");
        let events: Vec<i64> = done.filter_map(|job| number(&job["event"])).collect();
        let select = format!("SELECT {EVENT_COLUMNS}, e.body, e.proof FROM webhook_events e WHERE e.id IN");
        let mut facts = Vec::new();
        for row in self.tx.fetch_in(sql!(select), &events, "").await? {
            if proof::check_event(self.key, &row)?.is_ok()
                && let Interpretation::Facts(read) =
                    webhooks::interpret(row.parsed("channel")?, &row.bytes("body")?, settings)
            {
                facts.extend(read);
            }
        }
        Ok(facts)
    }
}
