//! Daily closes: the sums of all batches up to the entry that the close names.

use std::collections::{HashMap, VecDeque};

use serde_json::Value as Json;

use super::batches::BatchClaim;
use super::{Place, Problem, Run};
use crate::database::{Transaction, sql};
use crate::error::Error;
use crate::ledger::close::TrialSums;

const CLOSES: &str =
    "SELECT sequence, detail FROM audit_entries WHERE action = 'ledger.closed' ORDER BY sequence";
const LEGS: &str = "SELECT t.batch, e.account, e.currency, e.minor FROM ledger_entries e \
    JOIN ledger_transactions t ON t.id = e.transaction_id WHERE t.batch IN";

/// The closes that are not reached yet, and the sums so far.
#[derive(Default)]
pub(super) struct Closes {
    left: VecDeque<Close>,
    sums: TrialSums,
    /// The number of the last entry of a rebuild that left other rows of a batch, or excluded postings: closes before it are of
    /// other rows.
    pub(super) rebuilt_until: u64,
}

struct Close {
    sequence: u64,
    through: u64,
    day: String,
    sha256: String,
}

impl Closes {
    pub(super) async fn load(tx: &mut Transaction<'_>) -> Result<Self, Error> {
        let mut closes = Self::default();
        for row in tx.fetch_all(sql!(CLOSES)).await? {
            let detail: Json = serde_json::from_str(&row.text("detail")?).unwrap_or_default();
            let text = |name: &str| detail[name].as_str().unwrap_or_default().to_owned();
            let (sequence, through) =
                (row.number("sequence")?, detail["through"].as_u64().unwrap_or_default());
            closes.left.push_back(Close { sequence, through, day: text("day"), sha256: text("sha256") });
        }
        Ok(closes)
    }
}

impl Run<'_, '_> {
    /// Adds the entries of these batches, which follow those before.
    pub(super) async fn add_to_closes(&mut self, claims: &[BatchClaim]) -> Result<(), Error> {
        if self.closes.left.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = claims.iter().map(|claim| claim.id).collect();
        let mut legs: HashMap<i64, Vec<(String, String, i64)>> = HashMap::new();
        for row in self.tx.fetch_in(sql!(LEGS), &ids, "").await? {
            let leg = (row.text("account")?, row.text("currency")?, row.int("minor")?);
            legs.entry(row.int("batch")?).or_default().push(leg);
        }
        for claim in claims {
            self.check_closes(claim.sequence);
            let rebuilt = self.claims.rebuilt.get(&claim.id).map(|rebuilt| rebuilt.sequence);
            self.closes.rebuilt_until = self.closes.rebuilt_until.max(rebuilt.unwrap_or_default());
            for (account, currency, minor) in legs.remove(&claim.id).unwrap_or_default() {
                self.closes.sums.add(account, currency, minor);
            }
        }
        Ok(())
    }

    /// Checks the closes before this entry.
    pub(super) fn check_closes(&mut self, before: u64) {
        while let Some(close) = self.closes.left.pop_front_if(|close| close.through < before) {
            let is_rebuilt = close.sequence < self.closes.rebuilt_until;
            if !is_rebuilt && self.closes.sums.digest() != close.sha256 {
                let detail = "the sums of its entries are not those of the close";
                self.find(Place::Close(close.day), Problem::Different, detail);
            }
        }
    }
}
