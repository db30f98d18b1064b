//! Posts facts to the ledger, in the transaction of the job that applies their event.
//!
//! Facts are stored as sets. Whoever adds to a subject's set locks the subject, folds the set with [`ledger::fold`], and
//! writes the difference between what the ledger should hold and what it does. What a fact means for the ledger is decided
//! by the ledger crate alone.

mod accounts;
mod balances;
mod columns;
mod deltas;
mod entries;
mod facts;
mod journal;
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

/// What posting facts changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PostSummary {
    /// Facts that were not known before.
    pub(crate) facts: u64,
    /// Ledger entries written.
    pub(crate) entries: u64,
}

/// Which effects of a subject its postings cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// All: an effect that is not among them amounts to nothing.
    Whole,
    /// Those that changed; those that now amount to nothing are listed apart. The reviews are complete.
    Changed,
    /// Those that are among them.
    Named,
}

/// What the facts of a subject amount to.
struct SubjectState {
    /// The subject as text.
    key: String,
    /// Whether the subject had facts before.
    is_known: bool,
    rules: Rules,
    state: State,
    scope: Scope,
    /// Effects that now amount to nothing, where the postings do not cover all.
    removed_effects: Vec<String>,
}

/// Stores the facts, folds the sets that they belong to, and posts the difference, in the transaction of the caller, which
/// has [locked](lock_accounts) their accounts. Facts that are already known change nothing.
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

/// Subjects in one order, whatever the event's, so that two transactions cannot deadlock.
fn by_subject(facts: Vec<Fact>) -> BTreeMap<Subject, Vec<Fact>> {
    let mut subjects: BTreeMap<Subject, Vec<Fact>> = BTreeMap::new();
    for fact in facts {
        subjects.entry(fact.subject.clone()).or_default().push(fact);
    }
    subjects
}
