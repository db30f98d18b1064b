//! Posts facts to the ledger, in the transaction of the job that applies their event.
//!
//! Facts are stored as sets. Adding facts of a subject locks the subject, folds its set with [`ledger::fold`], and writes the
//! difference between the fold and the ledger. The ledger crate alone decides the meaning of a fact.

mod account_balances;
mod account_sums;
mod accounts;
mod adopt;
mod available;
mod balances;
mod batch;
mod close;
mod coins;
mod columns;
mod deltas;
mod entries;
mod entry_filter;
mod facts;
mod history;
mod journal;
mod moment;
mod rebuild;
mod refold;
mod repeated_entries;
mod reviews;
mod rows;
mod subject;
mod timeout;
mod verify;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use audit::Key;
use domain::{Fact, Subject};
use jiff::Timestamp;
use ledger::{Rules, State};

use crate::database::Transaction;
use crate::error::Error;
use deltas::Deltas;

pub use account_balances::{AccountBalance, AccountBalancePage};
pub(crate) use account_sums::{
    AccountSum, before as sums_before, names as account_names, page as account_sums,
};
pub(crate) use accounts::lock_accounts;
pub(crate) use adopt::adopt;
pub use available::Balance;
pub(crate) use available::{balances, changes};
pub(crate) use batch::Batch;
pub(crate) use columns::{optional_money, parse_optional_enum};
pub(crate) use entries::page as entries_page;
pub use entries::{ENTRIES_MAX, EntryPage, LedgerEntry};
pub(crate) use entry_filter::named;
pub use entry_filter::{AccountFilter, AccountFilterError, EntryFilter};
pub(crate) use history::at as state_at;
pub use moment::Moment;
pub use rebuild::{Rebuild, RebuildMode};
pub(crate) use timeout::set_timeout;
pub use verify::{Finding, LedgerVerification, Place, Problem};

/// The effects of a subject that its postings cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// All effects: any other effect is removed.
    Whole,
    /// All effects of a subject without new facts, whose coins arrived elsewhere. The reviews are complete.
    Reposted,
    /// The changed effects; removed effects are listed separately. The reviews are complete.
    Changed,
    /// The effects of the postings.
    Named,
}

/// The fold of the facts of a subject.
struct SubjectState {
    /// The subject as text.
    key: String,
    /// Whether the subject had facts before.
    is_known: bool,
    rules: Rules,
    state: State,
    scope: Scope,
    /// The earliest time of the new facts.
    changed_from: Timestamp,
    /// Removed effects, if the postings do not cover all.
    removed_effects: Vec<String>,
}

/// Stores the facts, folds their sets and posts the difference, in the transaction of the caller, which has
/// [locked](lock_accounts) their accounts. Facts that are already stored change nothing.
///
/// # Errors
/// [`Error::Ledger`] when a set cannot be folded: the transaction must not be committed, and a retry does not help.
pub(crate) async fn post(
    tx: &mut Transaction<'_>,
    facts: impl IntoIterator<Item = &Fact>,
    rules: &Rules,
    now: Timestamp,
    key: &Key,
) -> Result<Batch, Error> {
    let mut batch = Batch::new(key, Some(*rules))?;
    let new = facts::insert(tx, facts, now, &mut batch).await?;
    let mut deltas = Deltas::default();
    subject::apply_subjects(tx, by_subject(new), rules, now, (&mut deltas, &mut batch)).await?;
    balances::settle(tx, deltas, now, &mut batch).await?;
    Ok(batch)
}

/// Subjects in a fixed order, so that two transactions cannot deadlock.
fn by_subject(facts: Vec<Fact>) -> BTreeMap<Subject, Vec<Fact>> {
    let mut subjects: BTreeMap<Subject, Vec<Fact>> = BTreeMap::new();
    for fact in facts {
        subjects.entry(fact.subject.clone()).or_default().push(fact);
    }
    subjects
}
