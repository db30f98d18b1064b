//! Proofs for rows that were written before there were proofs, in the first start after the migration.
//!
//! A row without a proof is believed once. The audit chain, which is verified for this, says when: it has entries of the version
//! before and none of this one. So a proof that is removed later is not given again.

use audit::{Key, Verifier};
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::Batch;
use super::batch::{fact_columns, transaction_columns};
use super::verify::{EventClaim, head, legs};
use crate::actor::Actor;
use crate::audit_log::VerifyError;
use crate::database::{Backend, Database, Operation, Row, Transaction, sql};
use crate::error::Error;
use crate::proof::{self, EVENT_COLUMNS, Kind};
use crate::{audit_log, chain, migrations};

/// Rows of one batch.
const BATCH: i64 = 5_000;

const UNPROVED: [&str; 3] = [
    "SELECT 1 AS found FROM webhook_events WHERE proof IS NULL LIMIT 1",
    "SELECT 1 AS found FROM facts WHERE proof IS NULL LIMIT 1",
    "SELECT 1 AS found FROM ledger_transactions WHERE proof IS NULL LIMIT 1",
];
const FACTS: &str =
    "SELECT id, subject, at, body, recorded_at FROM facts WHERE proof IS NULL ORDER BY id LIMIT $1";
const PROVE_FACT: &str = "UPDATE facts SET proof = $2, batch = $3 WHERE id = $1";
const TRANSACTIONS: &str = "SELECT id, subject, effect, revision, kind, at, posted_at, CAST($2 AS BIGINT) AS batch \
    FROM ledger_transactions WHERE proof IS NULL ORDER BY id LIMIT $1";
const PROVE_TRANSACTION: &str = "UPDATE ledger_transactions SET proof = $2, batch = $3 WHERE id = $1";
const ADOPTED: &str = "SELECT 1 AS found FROM audit_entries WHERE action = 'ledger.adopt' LIMIT 1";
const PROVE_EVENT: &str = "UPDATE webhook_events SET proof = $2 WHERE id = $1";

/// What the chain says of the rows without a proof.
#[derive(Default)]
struct History {
    /// Whether the version before applied events.
    was_applied: bool,
    /// Whether this version wrote to the journal.
    is_proved: bool,
    /// Whether rows were adopted before.
    is_adopted: bool,
    events: Vec<EventClaim>,
}

/// Gives proofs to the rows of before the migration. Others stay without: they are not believed, and a verification names them.
///
/// # Errors
/// [`Error::Chain`] if the audit chain, which says which rows to believe, cannot be verified and no rows were adopted before;
/// [`Error`] of the database. Nothing was changed.
pub(crate) async fn adopt(database: &Database, key: &Key, now: Timestamp) -> Result<(), Error> {
    let mut writer = database.writer(Operation::Other).await?;
    let mut tx = writer.begin().await?;
    if !has_unproved(&mut tx).await? {
        return tx.rollback().await;
    }
    if tx.backend() == Backend::Postgres {
        tx.set_reply_timeout(migrations::TIMEOUT);
        tx.script(migrations::LOCK).await?;
    }
    let history = match read(&mut tx, key).await {
        Ok(history) => history,
        Err(VerifyError::Damaged(error) | VerifyError::KeyMissing(error)) => {
            // Once this version has written, those rows could not be adopted any more.
            if tx.fetch_optional(sql!(ADOPTED)).await?.is_none() {
                return Err(Error::Chain(error));
            }
            tracing::error!("stored rows have no proof and are not believed: the audit chain is damaged");
            return tx.rollback().await;
        }
        Err(VerifyError::NoHead) => return Err(Error::NoHead),
        Err(VerifyError::Unread(error)) => return Err(error),
    };
    let events = prove_events(&mut tx, key, &history).await?;
    let batches = prove_journal(&mut tx, key, &history).await?;
    if events == 0 && batches.is_empty() {
        if has_unproved(&mut tx).await? {
            tracing::error!("stored rows have no proof and are not believed: run `investiq ledger verify`");
        }
        return tx.rollback().await;
    }
    let detail = json!({ "events": events, "ledger": batches });
    let entry = Actor::named("store").entry("ledger.adopt", "ledger", &detail, now)?;
    chain::append(&mut tx, key, entry).await?;
    tx.commit().await
}

async fn has_unproved(tx: &mut Transaction<'_>) -> Result<bool, Error> {
    for select in UNPROVED {
        if tx.fetch_optional(sql!(select)).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reads the whole chain, which must be authentic.
async fn read(tx: &mut Transaction<'_>, key: &Key) -> Result<History, VerifyError> {
    let head = audit_log::outermost_head(tx).await?.verify(key)?;
    let (mut verifier, mut history, mut last) = (Verifier::new(key), History::default(), 0);
    loop {
        let page = audit_log::page(tx, last).await?;
        let Some(end) = page.last() else { break };
        last = end.sequence;
        for sealed in &page {
            verifier.feed(sealed)?;
            history
                .add(sealed.entry.action(), &serde_json::from_str(sealed.entry.detail()).unwrap_or_default());
        }
    }
    verifier.finish(&head)?;
    Ok(history)
}

impl History {
    fn add(&mut self, action: &str, detail: &Json) {
        self.is_adopted |= action == "ledger.adopt";
        self.is_proved |= detail.get("ledger").is_some();
        self.was_applied |= action == "webhooks.apply";
        if action == "webhooks.receive" && detail.get("proved").is_none() {
            self.events
                .extend(detail["events"].as_array().into_iter().flatten().filter_map(EventClaim::parse));
        }
    }
}

async fn prove_events(tx: &mut Transaction<'_>, key: &Key, history: &History) -> Result<u64, Error> {
    let select = format!(
        "SELECT e.id, {EVENT_COLUMNS}, e.body, e.redacted_at FROM webhook_events e WHERE e.proof IS NULL AND e.id IN"
    );
    let mut proved = 0;
    if history.is_adopted {
        return Ok(proved);
    }
    for claims in history.events.chunks(crate::database::ROWS_MAX) {
        let ids: Vec<i64> = claims.iter().map(EventClaim::id).collect();
        for row in tx.fetch_in(sql!(select.clone()), &ids, "").await? {
            let id = row.int("id")?;
            let claim = claims.iter().find(|claim| claim.id() == id);
            if claim.is_some_and(|claim| claim.is(&row).unwrap_or(false)) {
                let proof = proof::prove(key, Kind::Event, &proof::event_columns(&row)?);
                tx.execute(sql!(PROVE_EVENT, id, proof)).await?;
                proved += 1;
            }
        }
    }
    Ok(proved)
}

/// The details of the batches that the rows of the journal are now in.
async fn prove_journal(tx: &mut Transaction<'_>, key: &Key, history: &History) -> Result<Vec<Json>, Error> {
    let mut batches = Vec::new();
    if history.is_adopted || history.is_proved || !history.was_applied {
        return Ok(batches);
    }
    loop {
        let mut batch = Batch::new(key, None)?;
        let facts = tx.fetch_all(sql!(FACTS, BATCH)).await?;
        for row in &facts {
            prove_fact(tx, row, &mut batch).await?;
        }
        let transactions = tx.fetch_all(sql!(TRANSACTIONS, BATCH, batch.id())).await?;
        let ids = transactions.iter().map(|row| row.int("id")).collect::<Result<Vec<_>, _>>()?;
        let mut legs = legs(tx, &ids).await?;
        for row in &transactions {
            let (id, head) = (row.int("id")?, head(row)?);
            let legs = legs.remove(&id).unwrap_or_default();
            let entries = legs.len() as u64;
            let proof = batch.prove(Kind::Transaction, &transaction_columns(head, legs));
            tx.execute(sql!(PROVE_TRANSACTION, id, proof.clone(), batch.id())).await?;
            batch.add_transaction(id, proof, entries);
        }
        if facts.is_empty() && transactions.is_empty() {
            return Ok(batches);
        }
        batches.push(batch.detail());
    }
}

async fn prove_fact(tx: &mut Transaction<'_>, row: &Row, batch: &mut Batch) -> Result<(), Error> {
    let id: [u8; 32] = row.bytes("id")?.try_into().map_err(|_| Error::decode("id"))?;
    let (subject, body) = (row.text("subject")?, row.text("body")?);
    let columns = fact_columns(&subject, row.int("at")?, &body, row.int("recorded_at")?, batch.id());
    let proof = batch.prove(Kind::Fact, &columns);
    tx.execute(sql!(PROVE_FACT, id, proof.clone(), batch.id())).await?;
    batch.add_fact(id, proof);
    Ok(())
}
