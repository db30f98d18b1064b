//! What a verification found.

use audit::ChainError;
use serde::Serialize;

/// Something in the database that is not what was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Where it is.
    #[serde(flatten)]
    pub place: Place,
    /// What is wrong.
    pub problem: Problem,
    /// The problem in words.
    pub detail: String,
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case", tag = "table", content = "row")]
pub enum Place {
    /// The entry of the audit chain with this number.
    AuditEntries(u64),
    /// An event.
    WebhookEvents(i64),
    /// The jobs of an event.
    JobsOf(i64),
    /// A job.
    WebhookJobs(i64),
    /// A fact, by its id in hexadecimal digits.
    Facts(String),
    /// The facts of a batch, by the number of its audit entry.
    FactsOf(u64),
    /// A transaction with its entries.
    LedgerTransactions(i64),
    /// The transactions of a batch, by the number of its audit entry.
    LedgerTransactionsOf(u64),
    /// An entry without a transaction.
    LedgerEntries(i64),
    /// The balances of a holder.
    LedgerBalances(String),
    /// The sums and rows of a subject.
    LedgerSubjects(String),
    /// An account at a provider.
    ProviderAccounts(String),
    /// The close of a day.
    Close(String),
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Problem {
    /// It was deleted.
    Missing,
    /// Nobody with the audit key wrote it.
    Extra,
    /// Its content is not what was written.
    Altered,
    /// It does not follow from the facts or the entries.
    Different,
}

impl Finding {
    pub(in crate::ledger) fn new(place: Place, problem: Problem, detail: impl Into<String>) -> Self {
        Self { place, problem, detail: detail.into() }
    }

    pub(super) fn chain(error: ChainError) -> Self {
        Self::new(Place::AuditEntries(error.sequence()), Problem::Altered, error.to_string())
    }
}
