//! What facts do to the books, written in the transaction of the event that told them.
//!
//! Facts are kept as sets. Whoever adds to a subject's set locks the subject, folds the set with [`ledger::fold`], and
//! writes the difference between what the books should hold and what they do. It reads no clock and decides nothing about
//! money: what a fact means for the books is said by the ledger crate alone.

mod balances;
mod entries;
mod facts;
mod holders;
mod journal;
mod reviews;
mod rows;
mod subject;
mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use domain::{Fact, Subject};
use jiff::Timestamp;

use crate::database::Transaction;
use crate::error::Error;
use balances::Deltas;

pub use entries::{ENTRIES_MAX, Entries, EntriesOf, Entry};
pub(crate) use words::{optional_money, optional_read};

/// What posting facts changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Posted {
    /// Facts that were not known before.
    pub(crate) facts: u64,
    /// Ledger entries written.
    pub(crate) entries: u64,
}

/// Which effects of a subject its postings speak for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// All: one that is not among them has come to nothing.
    Whole,
    /// Those that became otherwise; which ones came to nothing is told beside. The reviews are all of them.
    Amended,
    /// Those that are among them.
    Named,
}

/// Notes whom the facts of a whole transaction name, and keeps others from posting to any of them until it ends. Named
/// first and in one order, holders are never waited for in a circle, whatever the order of the events.
pub(crate) async fn meet(
    tx: &mut Transaction<'_>,
    facts: impl IntoIterator<Item = &Fact>,
) -> Result<(), Error> {
    holders::see(tx, facts).await
}

/// Keeps the facts, folds the sets that they belong to, and posts the difference, all in the transaction of the caller,
/// which has [met](meet) whom they name. Facts that are known already change nothing.
///
/// # Errors
/// [`Error::Ledger`] when the set cannot be folded: nothing of the transaction may be kept then, and trying again does
/// not help. Otherwise what the database answers.
pub(crate) async fn post(
    tx: &mut Transaction<'_>,
    facts: impl IntoIterator<Item = &Fact>,
    rules: &ledger::Rules,
    now: Timestamp,
) -> Result<Posted, Error> {
    let new = facts::keep(tx, facts, now).await?;
    let (known, mut deltas) = (new.len() as u64, Deltas::default());
    let written = subject::take(tx, by_subject(new), rules, now, &mut deltas).await?;
    let settled = balances::settle(tx, deltas, now).await?;
    Ok(Posted { facts: known, entries: written + settled })
}

/// Subjects in one order, whatever the event's, so that two transactions do not wait for each other.
fn by_subject(facts: Vec<Fact>) -> BTreeMap<Subject, Vec<Fact>> {
    let mut subjects: BTreeMap<Subject, Vec<Fact>> = BTreeMap::new();
    for fact in facts {
        subjects.entry(fact.subject.clone()).or_default().push(fact);
    }
    subjects
}
