//! Verifies the books in one state of the database, as a stream: the audit chain, the stored events, facts and transactions
//! against what the chain says of them, and everything derived from them. Nothing is changed.
//!
//! ```text
//! audit chain ─> events, jobs: as the chain lists them; each event proved, each body hashed
//!             ─> batches of facts and transactions: number and digest; each row proved
//! facts       ─> fold of each subject = sums of its effects = its rows
//! entries     ─> balances
//! ```
//!
//! Memory: some bytes for each batch and each account, and the facts of the largest subjects of a page.

mod accounts;
mod balances;
mod batches;
mod chain;
mod closes;
mod events;
mod finding;
mod id_set;
mod jobs;
mod journals;
mod number;
mod subjects;
mod transactions;

use std::collections::HashMap;

use audit::{ChainError, Head, Key};
use serde::Serialize;

use super::timeout::set_timeout;
use crate::audit_log::VerifyError;
use crate::database::{Operation, Transaction};
use crate::store::Store;

pub(super) use accounts::{Expected, add_fact, add_status};
pub(super) use balances::{Amounts, sums};
pub(super) use batches::{BatchClaim, TRANSACTIONS, proofs};
pub(super) use chain::{Claims, batches};
pub(super) use events::EventClaim;
pub use finding::{Finding, Place, Problem};
pub(super) use number::number;
pub(super) use subjects::proved_fact;
pub(super) use transactions::{head, legs};

/// Rows of one page.
const PAGE: i64 = 256;

/// The state of the books.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LedgerVerification {
    /// Verified entries of the audit chain.
    pub audit_entries: u64,
    /// Verified events.
    pub events: u64,
    /// Verified facts.
    pub facts: u64,
    /// Verified subjects.
    pub subjects: u64,
    /// Verified transactions.
    pub transactions: u64,
    /// The first fault of the audit chain. What it says of other rows is then not known to be true.
    #[serde(skip)]
    pub chain_error: Option<ChainError>,
    /// Everything that is not as it was written. Empty if the books are whole.
    pub findings: Vec<Finding>,
}

/// One run.
struct Run<'t, 'c> {
    tx: &'t mut Transaction<'c>,
    key: &'t Key,
    claims: Claims,
    accounts: HashMap<String, Expected>,
    closes: closes::Closes,
    result: LedgerVerification,
}

impl Run<'_, '_> {
    fn find(&mut self, place: Place, problem: Problem, detail: impl Into<String>) {
        self.result.findings.push(Finding::new(place, problem, detail));
    }
}

impl Store {
    /// Verifies the books. With a checkpoint (an older head of the audit chain), the chain must contain it. Calls `progress`
    /// with the number of verified entries of the chain and of all.
    ///
    /// # Errors
    /// [`VerifyError`]: nothing is known of the books, because a key is missing, the chain was deleted or the database failed.
    pub async fn verify_ledger(
        &self,
        checkpoint: Option<Head>,
        progress: impl FnMut(u64, u64) + Send,
    ) -> Result<LedgerVerification, VerifyError> {
        let key = self.shared.key.load();
        let mut reader = self.shared.database.reader(Operation::Audit).await?;
        let mut tx = reader.begin().await?;
        set_timeout(&mut tx).await?;
        verify(&mut tx, &key, checkpoint, progress).await.map(|(verification, _)| verification)
    }
}

/// Also returns what the chain says.
pub(super) async fn verify(
    tx: &mut Transaction<'_>,
    key: &Key,
    checkpoint: Option<Head>,
    progress: impl FnMut(u64, u64) + Send,
) -> Result<(LedgerVerification, Claims), VerifyError> {
    let (claims, accounts, closes, result) = Default::default();
    let mut run = Run { tx, key, claims, accounts, closes, result };
    run.check_chain(checkpoint, progress).await?;
    run.check_events().await?;
    run.check_jobs().await?;
    run.check_journals().await?;
    run.check_transactions().await?;
    run.check_subjects().await?;
    run.check_accounts().await?;
    run.check_balances().await?;
    Ok((run.result, run.claims))
}

/// Without a key, nothing is known of the chain.
fn missing_key(error: ChainError) -> Result<ChainError, VerifyError> {
    match error {
        ChainError::UnknownKey { .. } => Err(VerifyError::KeyMissing(error)),
        error => Ok(error),
    }
}
