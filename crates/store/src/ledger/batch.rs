//! The new rows of one database transaction, each proved, and their digests for its audit entry.

use std::collections::BTreeMap;

use audit::Key;
use ledger::Rules;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use crate::database::{Value, values};
use crate::error::Error;
use crate::proof::{self, Kind};

/// The rows that a transaction adds to the journal. Its audit entry must carry [`detail`](Self::detail) as the member `ledger`:
/// rows without it are reported as forged.
#[must_use = "the audit entry of the transaction carries its detail"]
pub(crate) struct Batch {
    id: i64,
    key: Key,
    rules: Option<Rules>,
    facts: BTreeMap<[u8; 32], Vec<u8>>,
    transactions: BTreeMap<i64, Vec<u8>>,
    entries: u64,
}

impl Batch {
    /// An empty batch with a random id. Its deposits have the ratio of the rules; without rules, that of their rows.
    pub(crate) fn new(key: &Key, rules: Option<Rules>) -> Result<Self, Error> {
        let mut id = [0; 8];
        getrandom::fill(&mut id).map_err(|_| Error::encode("no randomness"))?;
        // Positive, so that it differs from the 0 of rows without a batch.
        let id = (i64::from_be_bytes(id) & i64::MAX).max(1);
        let (facts, transactions) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { id, key: key.clone(), rules, facts, transactions, entries: 0 })
    }

    pub(crate) const fn id(&self) -> i64 {
        self.id
    }

    pub(super) const fn key(&self) -> &Key {
        &self.key
    }

    /// Number of new facts.
    #[cfg(test)]
    pub(crate) fn facts(&self) -> u64 {
        self.facts.len() as u64
    }

    /// Number of new transactions.
    pub(super) fn transactions(&self) -> u64 {
        self.transactions.len() as u64
    }

    /// Number of new ledger entries.
    #[cfg(test)]
    pub(crate) const fn entries(&self) -> u64 {
        self.entries
    }

    /// The proof of a row, which may turn out to be stored already.
    pub(super) fn prove(&self, kind: Kind, columns: &[Value]) -> Vec<u8> {
        proof::prove(&self.key, kind, columns)
    }

    pub(super) fn add_fact(&mut self, id: [u8; 32], proof: Vec<u8>) {
        self.facts.insert(id, proof);
    }

    pub(super) fn add_transaction(&mut self, id: i64, proof: Vec<u8>, entries: u64) {
        self.transactions.insert(id, proof);
        self.entries += entries;
    }

    /// What the audit entry says of the batch.
    pub(crate) fn detail(&self) -> Json {
        json!({
            "batch": self.id,
            "facts": self.facts.len(),
            "facts_sha256": digest(self.facts.values()),
            "transactions": self.transactions.len(),
            "transactions_sha256": digest(self.transactions.values()),
            "stash_ratio": self.rules.map(|rules| rules.stash_ratio.get().to_string()),
        })
    }
}

/// SHA-256 of the proofs of rows, in order of their ids.
pub(super) fn digest<'p>(proofs: impl IntoIterator<Item = &'p Vec<u8>>) -> String {
    let mut digest = Sha256::new();
    proofs.into_iter().for_each(|proof| digest.update(proof));
    hex::encode(digest.finalize())
}

/// The columns of a fact that its proof covers; times in microseconds.
pub(super) fn fact_columns(subject: &str, at: i64, body: &str, recorded_at: i64, batch: i64) -> Vec<Value> {
    values![subject, at, body, recorded_at, batch]
}

/// An entry of a transaction: account, holder, currency and amount in smallest units.
pub(super) type Leg = (String, Option<String>, String, i64);

/// The columns of a transaction that its proof covers, with its entries: `head` is subject, effect, revision, kind, `at`,
/// `posted_at` and batch. The number of entries delimits them.
pub(super) fn transaction_columns(mut head: Vec<Value>, mut legs: Vec<Leg>) -> Vec<Value> {
    legs.sort_unstable();
    head.push(Value::from(legs.len() as i64));
    for (account, holder, currency, minor) in legs {
        head.extend(values![account, holder, currency, minor]);
    }
    head
}
