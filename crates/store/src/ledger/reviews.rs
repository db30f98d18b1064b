//! Reviews, opened and resolved with the facts.
//!
//! One that a person resolved stays resolved unless its facts change. One that was resolved with a journal opens again whenever
//! they do, and only a person resolves it: the journal may no longer be right.

use std::collections::BTreeMap;

use domain::{ExternalId, Fact, Subject};
use jiff::Timestamp;
use ledger::{Review, ReviewKind, Row as FoldedRow};

use super::{Scope, SubjectState};
use crate::database::{Transaction, sql};
use crate::error::Error;

/// `$7` is the earliest time of a change: a review of that time or later has other facts.
const OPEN: &str = "INSERT INTO reviews (subject, kind, about, account, at, opened_at) VALUES ($1, $2, $3, $4, $5, $6) \
    ON CONFLICT (subject, kind, about) DO UPDATE SET at = excluded.at, account = excluded.account, \
    opened_at = CASE WHEN reviews.resolved_at IS NULL THEN reviews.opened_at ELSE excluded.opened_at END, \
    resolved_at = NULL, resolved_by = NULL \
    WHERE reviews.resolved_by IS NULL OR reviews.at <> excluded.at OR excluded.at >= $7";
const REOPEN: &str = "UPDATE reviews SET resolved_at = NULL, resolved_by = NULL, opened_at = $4 \
    WHERE subject = $1 AND kind = $2 AND about = $3";
const RESOLVE: &str = "UPDATE reviews SET resolved_at = $4 WHERE subject = $1 AND kind = $2 AND about = $3";
const STORED: &str = "SELECT subject, kind, about, account, at, resolved_at, journal FROM reviews \
    WHERE (resolved_at IS NULL OR journal IS NOT NULL) AND subject IN";

/// Kind and what it is about, within a subject.
type Key = (String, String);

/// A review that is open, or was resolved with a journal.
struct StoredReview {
    account: Option<String>,
    at: Timestamp,
    is_open: bool,
    has_journal: bool,
}

/// Opens the reviews of each state, and resolves those that a state with complete reviews no longer has.
pub(super) async fn write(
    tx: &mut Transaction<'_>,
    states: &[SubjectState],
    now: Timestamp,
) -> Result<(), Error> {
    let existing: Vec<&String> = states.iter().filter(|each| each.is_known).map(|each| &each.key).collect();
    let mut stored = stored(tx, &existing).await?;
    for SubjectState { key, state, scope, changed_from, .. } in states {
        let mut stored = stored.remove(key).unwrap_or_default();
        let account = account(&state.row).map(ToString::to_string);
        let changed_from = if *scope == Scope::Whole { Timestamp::MIN } else { *changed_from };
        for Review { kind, about, at } in &state.reviews {
            let kind: &str = kind.into();
            let about = about.to_string();
            let before = stored.remove(&(kind.to_owned(), about.clone()));
            if !before.is_some_and(|before| {
                before.is_open
                    && before.account == account
                    && before.at.as_microsecond() == at.as_microsecond()
            }) {
                tx.execute(sql!(OPEN, key, kind, about, account.clone(), *at, now, changed_from)).await?;
            }
        }
        for ((kind, about), StoredReview { at, is_open, has_journal, .. }) in stored {
            if is_open && !has_journal && *scope != Scope::Named {
                tx.execute(sql!(RESOLVE, key, kind, about, now)).await?;
            } else if !is_open && at >= changed_from {
                tx.execute(sql!(REOPEN, key, kind, about, now)).await?;
            }
        }
    }
    Ok(())
}

/// The account of a subject, if it is known.
fn account(row: &FoldedRow) -> Option<&ExternalId> {
    match row {
        FoldedRow::Account(row) => Some(&row.id),
        FoldedRow::Transfer(row) => row.account.as_ref(),
        FoldedRow::Holding(row) => Some(&row.account),
        FoldedRow::CashEntry(row) => row.details.as_ref().map(|details| &details.account),
        FoldedRow::Journal => None,
    }
}

/// Opens the review of a subject with more facts than are folded.
pub(super) async fn open_full(
    tx: &mut Transaction<'_>,
    (subject, key): (&Subject, &str),
    new: &[Fact],
    now: Timestamp,
) -> Result<(), Error> {
    let kind: &str = ReviewKind::TooManyFacts.into();
    let (about, account) = match subject {
        Subject::Account(id) | Subject::Holding { account: id, .. } => (id.to_string(), Some(id.to_string())),
        Subject::Transfer(id) | Subject::CashEntry(id) => (id.to_string(), None),
        Subject::Journal(number) => (number.to_string(), None),
    };
    let at = new.iter().map(|fact| fact.at).max().unwrap_or(now);
    tx.execute(sql!(OPEN, key, kind, about, account, at, now, Timestamp::MIN)).await.map(drop)
}

/// The reviews of these subjects that are open or were resolved with a journal.
async fn stored(
    tx: &mut Transaction<'_>,
    subjects: &[&String],
) -> Result<BTreeMap<String, BTreeMap<Key, StoredReview>>, Error> {
    let mut stored: BTreeMap<String, BTreeMap<Key, StoredReview>> = BTreeMap::new();
    for row in tx.fetch_in(sql!(STORED), subjects, "").await? {
        let review = StoredReview {
            account: row.optional_text("account")?,
            at: row.time("at")?,
            is_open: row.optional_int("resolved_at")?.is_none(),
            has_journal: row.optional_int("journal")?.is_some(),
        };
        let key = (row.text("kind")?, row.text("about")?);
        stored.entry(row.text("subject")?).or_default().insert(key, review);
    }
    Ok(stored)
}
