//! Transactions with their entries: each proved, and in a batch of the chain.

use std::collections::{BTreeSet, HashMap};

use super::{PAGE, Place, Problem, Run};
use crate::database::{Row, Transaction, Value, sql, values};
use crate::error::Error;
use crate::ledger::batch::{Leg, transaction_columns};
use crate::proof::{self, Kind};

const PAGE_OF: &str = "SELECT id, subject, effect, revision, kind, at, posted_at, batch, proof FROM ledger_transactions \
    WHERE id > $1 ORDER BY id LIMIT $2";
const LEGS: &str =
    "SELECT transaction_id, account, holder, currency, minor FROM ledger_entries WHERE transaction_id IN";
const ORPHANS: &str = "SELECT e.id FROM ledger_entries e WHERE NOT EXISTS \
    (SELECT 1 FROM ledger_transactions t WHERE t.id = e.transaction_id) ORDER BY e.id";
const WITH_FACTS: &str = "SELECT DISTINCT subject FROM facts WHERE subject IN";

/// The beginnings of subjects that facts describe.
const SUBJECTS: [&str; 4] = ["account/", "transfer/", "holding/", "cash/"];

impl Run<'_, '_> {
    pub(super) async fn check_transactions(&mut self) -> Result<(), Error> {
        for row in self.tx.fetch_all(sql!(ORPHANS)).await? {
            let place = Place::LedgerEntries(row.int("id")?);
            self.find(place, Problem::Extra, "its transaction does not exist");
        }
        let mut last = i64::MIN;
        loop {
            let rows = self.tx.fetch_all(sql!(PAGE_OF, last, PAGE)).await?;
            let Some(row) = rows.last() else { return Ok(()) };
            last = row.int("id")?;
            self.result.transactions += rows.len() as u64;
            self.check_page(&rows).await?;
        }
    }

    async fn check_page(&mut self, rows: &[Row]) -> Result<(), Error> {
        let ids = rows.iter().map(|row| row.int("id")).collect::<Result<Vec<_>, _>>()?;
        let mut legs = legs(self.tx, &ids).await?;
        let mut subjects = BTreeSet::new();
        for row in rows {
            let (id, batch) = (row.int("id")?, row.int("batch")?);
            let columns = transaction_columns(head(row)?, legs.remove(&id).unwrap_or_default());
            let proof = row.optional_bytes("proof")?;
            let proved = proof::check(self.key, Kind::Transaction, &columns, proof.as_deref());
            let place = Place::LedgerTransactions(id);
            match proved {
                Err(error) => self.find(place, Problem::Altered, error.to_string()),
                Ok(()) if !self.claims.has_batch(batch) => {
                    self.find(place, Problem::Extra, "its batch is not in the audit chain");
                }
                Ok(()) => {
                    subjects.insert(row.text("subject")?);
                }
            }
        }
        self.check_for_facts(subjects).await
    }

    /// Subjects of transactions have facts, unless something else is posted.
    async fn check_for_facts(&mut self, mut subjects: BTreeSet<String>) -> Result<(), Error> {
        subjects.retain(|subject| SUBJECTS.iter().any(|start| subject.starts_with(start)));
        let all: Vec<&String> = subjects.iter().collect();
        let rows = self.tx.fetch_in(sql!(WITH_FACTS), &all, "").await?;
        let known = rows.iter().map(|row| row.text("subject")).collect::<Result<BTreeSet<_>, _>>()?;
        for subject in subjects.difference(&known) {
            let place = Place::LedgerSubjects(subject.clone());
            self.find(place, Problem::Different, "it has transactions and no facts");
        }
        Ok(())
    }
}

/// The entries of transactions.
pub(in crate::ledger) async fn legs(
    tx: &mut Transaction<'_>,
    ids: &[i64],
) -> Result<HashMap<i64, Vec<Leg>>, Error> {
    let mut legs: HashMap<i64, Vec<Leg>> = HashMap::new();
    for row in tx.fetch_in(sql!(LEGS), ids, "").await? {
        let leg =
            (row.text("account")?, row.optional_text("holder")?, row.text("currency")?, row.int("minor")?);
        legs.entry(row.int("transaction_id")?).or_default().push(leg);
    }
    Ok(legs)
}

/// The columns of a transaction without its entries that its proof covers.
pub(in crate::ledger) fn head(row: &Row) -> Result<Vec<Value>, Error> {
    Ok(values![
        row.text("subject")?,
        row.text("effect")?,
        row.int("revision")?,
        row.text("kind")?,
        row.int("at")?,
        row.int("posted_at")?,
        row.int("batch")?,
    ])
}
