//! What a verification found.

use std::fmt;

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
    /// A journal that a person made.
    Journals(i64),
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

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AuditEntries(id) => write!(out, "audit_entries {id}"),
            Self::WebhookEvents(id) => write!(out, "webhook_events {id}"),
            Self::JobsOf(id) => write!(out, "webhook_jobs of event {id}"),
            Self::WebhookJobs(id) => write!(out, "webhook_jobs {id}"),
            Self::Journals(id) => write!(out, "journals {id}"),
            Self::Facts(id) => write!(out, "facts {id}"),
            Self::FactsOf(entry) => write!(out, "facts of audit entry {entry}"),
            Self::LedgerTransactions(id) => write!(out, "ledger_transactions {id}"),
            Self::LedgerTransactionsOf(entry) => write!(out, "ledger_transactions of audit entry {entry}"),
            Self::LedgerEntries(id) => write!(out, "ledger_entries {id}"),
            Self::LedgerBalances(holder) => write!(out, "ledger_balances of {holder}"),
            Self::LedgerSubjects(subject) => write!(out, "ledger_subjects {subject}"),
            Self::ProviderAccounts(account) => write!(out, "provider_accounts {account}"),
            Self::Close(day) => write!(out, "close of {day}"),
        }
    }
}

impl Finding {
    pub(in crate::ledger) fn new(place: Place, problem: Problem, detail: impl Into<String>) -> Self {
        Self { place, problem, detail: detail.into() }
    }

    pub(super) fn chain(error: ChainError) -> Self {
        Self::new(Place::AuditEntries(error.sequence()), Problem::Altered, error.to_string())
    }
}
