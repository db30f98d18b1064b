//! Moves rows that nobody with the key wrote to `excluded_rows`, which allows their deletion.

use serde_json::{Value as Json, json};

use super::Work;
use crate::database::{Row, sql};
use crate::error::Error;
use crate::ledger::batch::transaction_columns;
use crate::ledger::verify::{Place, head, legs, proved_fact};
use crate::proof::{self, Kind};

const FACT: &str = "SELECT id, subject, at, body, recorded_at, batch, proof FROM facts WHERE id = $1";
const TRANSACTION: &str = "SELECT id, subject, effect, revision, kind, at, posted_at, batch, proof \
    FROM ledger_transactions WHERE id = $1";
const ENTRY: &str = "SELECT e.transaction_id, e.account, e.holder, e.currency, e.minor FROM ledger_entries e WHERE e.id = $1 \
    AND NOT EXISTS (SELECT 1 FROM ledger_transactions t WHERE t.id = e.transaction_id)";
const EXCLUDE: &str = "INSERT INTO excluded_rows (relation, row_id, reason, content, excluded_at) \
    VALUES ($1, $2, $3, $4, $5)";

impl Work<'_, '_> {
    pub(super) async fn exclude_fact(&mut self, id: &str) -> Result<(), Error> {
        let bytes = hex::decode(id).map_err(Error::encode)?;
        let Some(row) = self.tx.fetch_optional(sql!(FACT, bytes.clone())).await? else { return Ok(()) };
        let reason = match proved_fact(&row, self.key)? {
            Ok(_) if self.claims.has_batch(row.int("batch")?) => return Ok(()),
            Ok(_) => "its batch is not in the audit chain".to_owned(),
            Err(reason) => reason,
        };
        self.entries.extend(self.claims.sequence(row.int("batch")?));
        self.subjects.insert(row.text("subject")?);
        let content = json!({
            "subject": row.text("subject")?, "at": row.int("at")?, "body": row.text("body")?,
            "recorded_at": row.int("recorded_at")?, "batch": row.int("batch")?, "proof": proof_text(&row)?,
        });
        self.exclude("facts", id.to_owned(), &reason, &content).await?;
        self.tx.execute(sql!("DELETE FROM facts WHERE id = $1", bytes)).await?;
        self.result.excluded.push(Place::Facts(id.to_owned()));
        Ok(())
    }

    pub(super) async fn exclude_transaction(&mut self, id: i64) -> Result<(), Error> {
        let Some(row) = self.tx.fetch_optional(sql!(TRANSACTION, id)).await? else { return Ok(()) };
        let legs = legs(self.tx, &[id]).await?.remove(&id).unwrap_or_default();
        let (columns, batch) = (transaction_columns(head(&row)?, legs.clone()), row.int("batch")?);
        let proof = row.optional_bytes("proof")?;
        let reason = match proof::check(self.key, Kind::Transaction, &columns, proof.as_deref()) {
            Ok(()) if self.claims.has_batch(batch) => return Ok(()),
            Ok(()) => "its batch is not in the audit chain".to_owned(),
            Err(error) => error.to_string(),
        };
        if self.claims.has_batch(batch) {
            self.batches.insert(batch);
        }
        self.holders.extend(legs.iter().filter_map(|(_, holder, ..)| holder.clone()));
        self.subjects.insert(row.text("subject")?);
        let content = json!({
            "subject": row.text("subject")?, "effect": row.text("effect")?, "revision": row.int("revision")?,
            "kind": row.text("kind")?, "at": row.int("at")?, "posted_at": row.int("posted_at")?, "batch": batch,
            "proof": proof_text(&row)?, "entries": legs,
        });
        self.exclude("ledger_transactions", id.to_string(), &reason, &content).await?;
        self.tx.execute(sql!("DELETE FROM ledger_entries WHERE transaction_id = $1", id)).await?;
        self.tx.execute(sql!("DELETE FROM ledger_transactions WHERE id = $1", id)).await?;
        self.result.excluded.push(Place::LedgerTransactions(id));
        Ok(())
    }

    /// An entry without a transaction.
    pub(super) async fn exclude_entry(&mut self, id: i64) -> Result<(), Error> {
        let Some(row) = self.tx.fetch_optional(sql!(ENTRY, id)).await? else { return Ok(()) };
        let holder = row.optional_text("holder")?;
        let content = json!({
            "transaction": row.int("transaction_id")?, "account": row.text("account")?, "holder": holder,
            "currency": row.text("currency")?, "minor": row.int("minor")?,
        });
        self.holders.extend(holder);
        self.exclude("ledger_entries", id.to_string(), "its transaction does not exist", &content).await?;
        self.tx.execute(sql!("DELETE FROM ledger_entries WHERE id = $1", id)).await?;
        self.result.excluded.push(Place::LedgerEntries(id));
        Ok(())
    }

    async fn exclude(
        &mut self,
        relation: &'static str,
        row_id: String,
        reason: &str,
        content: &Json,
    ) -> Result<(), Error> {
        let row = sql!(EXCLUDE, relation, row_id, reason, content.to_string(), self.now);
        self.tx.execute(row).await.map(drop)
    }
}

fn proof_text(row: &Row) -> Result<Option<String>, Error> {
    Ok(row.optional_bytes("proof")?.map(hex::encode))
}
