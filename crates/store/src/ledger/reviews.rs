//! Reviews, opened and resolved with the facts.

use std::collections::BTreeSet;

use domain::{Fact, Subject};
use jiff::Timestamp;
use ledger::{Review, ReviewKind};

use super::{Scope, SubjectState};
use crate::database::{Transaction, sql};
use crate::error::Error;

const OPEN: &str = "INSERT INTO reviews (subject, kind, about, at, opened_at) VALUES ($1, $2, $3, $4, $5) \
    ON CONFLICT (subject, kind, about) DO UPDATE SET at = excluded.at, resolved_at = NULL";
const RESOLVE: &str = "UPDATE reviews SET resolved_at = $4 WHERE subject = $1 AND kind = $2 AND about = $3";

/// Opens the reviews of each state, and resolves those that a state with complete reviews no longer has.
pub(super) async fn write(
    tx: &mut Transaction<'_>,
    states: &[SubjectState],
    now: Timestamp,
) -> Result<(), Error> {
    let existing: Vec<&String> = states.iter().filter(|each| each.is_known).map(|each| &each.key).collect();
    let mut open = open(tx, &existing).await?;
    for SubjectState { key, state, scope, .. } in states {
        for Review { kind, about, at } in &state.reviews {
            let kind: &str = kind.into();
            if !open.remove(&(key.clone(), kind.to_owned(), about.to_string())) {
                tx.execute(sql!(OPEN, key, kind, about.to_string(), *at, now)).await?;
            }
        }
        if *scope == Scope::Named {
            open.retain(|(subject, ..)| subject != key);
        }
    }
    for (subject, kind, about) in open {
        tx.execute(sql!(RESOLVE, subject, kind, about, now)).await?;
    }
    Ok(())
}

/// Opens the review of a subject with more facts than are folded.
pub(super) async fn open_full(
    tx: &mut Transaction<'_>,
    (subject, key): (&Subject, &str),
    new: &[Fact],
    now: Timestamp,
) -> Result<(), Error> {
    let kind: &str = ReviewKind::TooManyFacts.into();
    let (Subject::Account(about)
    | Subject::Transfer(about)
    | Subject::Holding { account: about, .. }
    | Subject::CashEntry(about)) = subject;
    let at = new.iter().map(|fact| fact.at).max().unwrap_or(now);
    tx.execute(sql!(OPEN, key, kind, about.to_string(), at, now)).await.map(drop)
}

/// The open reviews of these subjects: subject, kind, about.
async fn open(
    tx: &mut Transaction<'_>,
    subjects: &[&String],
) -> Result<BTreeSet<(String, String, String)>, Error> {
    let select = "SELECT subject, kind, about FROM reviews WHERE resolved_at IS NULL AND subject IN";
    let rows = tx.fetch_in(sql!(select), subjects, "").await?;
    rows.iter().map(|row| Ok((row.text("subject")?, row.text("kind")?, row.text("about")?))).collect()
}
