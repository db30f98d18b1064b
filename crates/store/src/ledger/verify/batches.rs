//! Batches: the number of rows that a database transaction wrote, and the digest of their proofs.

use std::collections::HashMap;

use ledger::StashRatio;
use serde_json::Value as Json;

use super::number::number;
use super::{Place, Problem, Run};
use crate::database::{Transaction, sql};
use crate::error::Error;
use crate::ledger::batch::digest;

const FACTS: &str = "SELECT id, batch, proof FROM facts WHERE batch IN";
pub(in crate::ledger) const TRANSACTIONS: &str =
    "SELECT id, batch, proof FROM ledger_transactions WHERE batch IN";

/// A batch as its audit entry says.
#[derive(Clone)]
pub(in crate::ledger) struct BatchClaim {
    pub(in crate::ledger) id: i64,
    /// The number of the audit entry.
    pub(super) sequence: u64,
    pub(super) ratio: Option<StashRatio>,
    pub(in crate::ledger) facts: (u64, String),
    transactions: (u64, String),
}

impl BatchClaim {
    pub(super) fn parse(sequence: u64, json: &Json) -> Option<Self> {
        let part = |name: &str, digest: &str| Some((json[name].as_u64()?, json[digest].as_str()?.to_owned()));
        let ratio = json["stash_ratio"].as_str().and_then(|ratio| StashRatio::new(ratio.parse().ok()?).ok());
        Some(Self {
            id: number(&json["batch"])?,
            sequence,
            ratio,
            facts: part("facts", "facts_sha256")?,
            transactions: part("transactions", "transactions_sha256")?,
        })
    }
}

impl Run<'_, '_> {
    pub(super) async fn check_batches(&mut self, claims: &[BatchClaim]) -> Result<(), Error> {
        let ids: Vec<i64> = claims.iter().map(|claim| claim.id).collect();
        let facts = proofs(self.tx, FACTS, &ids).await?;
        let transactions = proofs(self.tx, TRANSACTIONS, &ids).await?;
        let none = Vec::new();
        for claim in claims {
            let found = facts.get(&claim.id).unwrap_or(&none);
            let is_whole = self.compare(Place::FactsOf(claim.sequence), &claim.facts, found);
            let rebuilt = self.claims.rebuilt.get(&claim.id).map(|rebuilt| &rebuilt.transactions);
            let expected = rebuilt.unwrap_or(&claim.transactions).clone();
            let found = transactions.get(&claim.id).unwrap_or(&none);
            if !self.compare(Place::LedgerTransactionsOf(claim.sequence), &expected, found) || !is_whole {
                self.claims.damaged_batches.insert(claim.sequence, claim.clone());
            }
        }
        Ok(())
    }

    fn compare(&mut self, place: Place, (count, expected): &(u64, String), found: &[Vec<u8>]) -> bool {
        let rows = found.len() as u64;
        if rows < *count {
            self.find(place, Problem::Missing, format!("{} of {count} rows are missing", count - rows));
        } else if rows > *count {
            self.find(place, Problem::Extra, format!("there are {} more rows than {count}", rows - count));
        } else if digest(found) != *expected {
            self.find(place, Problem::Altered, "the proofs of its rows are not those in the audit chain");
        } else {
            return true;
        }
        false
    }
}

/// The proofs of the rows of each batch, in order of their ids.
pub(in crate::ledger) async fn proofs(
    tx: &mut Transaction<'_>,
    select: &'static str,
    batches: &[i64],
) -> Result<HashMap<i64, Vec<Vec<u8>>>, Error> {
    let mut proofs: HashMap<i64, Vec<Vec<u8>>> = HashMap::new();
    for row in tx.fetch_in(sql!(select), batches, " ORDER BY id").await? {
        let proof = row.optional_bytes("proof")?.unwrap_or_default();
        proofs.entry(row.int("batch")?).or_default().push(proof);
    }
    Ok(proofs)
}
