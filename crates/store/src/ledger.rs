//! Posts facts to the ledger, in the transaction of the job that applies their event.
//!
//! Facts are stored as sets. Adding facts of a subject locks the subject, folds its set with [`ledger::fold`], and writes the
//! difference between the fold and the ledger. The ledger crate alone decides the meaning of a fact.

mod accounts;
mod balances;
mod columns;
mod deltas;
mod entries;
mod facts;
mod journal;
mod repeated_entries;
mod reviews;
mod rows;
mod subject;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use domain::{Fact, Subject};
use jiff::Timestamp;
use ledger::{Rules, State};

use crate::database::Transaction;
use crate::error::Error;
use deltas::Deltas;

pub(crate) use accounts::lock_accounts;
pub(crate) use columns::{optional_money, parse_optional_enum};
pub use entries::{ENTRIES_MAX, EntryFilter, EntryPage, LedgerEntry};

/// The changes by posted facts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PostSummary {
    /// Number of new facts.
    pub(crate) facts: u64,
    /// Number of written ledger entries.
    pub(crate) entries: u64,
}

/// The effects of a subject that its postings cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// All effects: any other effect is removed.
    Whole,
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
) -> Result<PostSummary, Error> {
    let new = facts::insert(tx, facts, now).await?;
    let (facts, mut deltas) = (new.len() as u64, Deltas::default());
    let mut entries = subject::apply_subjects(tx, by_subject(new), rules, now, &mut deltas).await?;
    entries += balances::settle(tx, deltas, now).await?;
    Ok(PostSummary { facts, entries })
}

/// Subjects in a fixed order, so that two transactions cannot deadlock.
fn by_subject(facts: Vec<Fact>) -> BTreeMap<Subject, Vec<Fact>> {
    let mut subjects: BTreeMap<Subject, Vec<Fact>> = BTreeMap::new();
    for fact in facts {
        subjects.entry(fact.subject.clone()).or_default().push(fact);
    }
    subjects
}
