//! What people should look at, opened and resolved with the facts.

use std::collections::BTreeSet;

use jiff::Timestamp;
use ledger::Review;

use super::Scope;
use super::subject::Folded;
use crate::database::{Transaction, values};
use crate::error::Error;

const OPEN: &str = "INSERT INTO reviews (subject, kind, about, at, opened_at) VALUES ($1, $2, $3, $4, $5) \
    ON CONFLICT (subject, kind, about) DO UPDATE SET at = excluded.at, resolved_at = NULL";
const RESOLVE: &str = "UPDATE reviews SET resolved_at = $4 WHERE subject = $1 AND kind = $2 AND about = $3";

/// Opens what the states name, and resolves what those name no more that speak for all of their subject.
pub(super) async fn write(tx: &mut Transaction<'_>, folded: &[Folded], now: Timestamp) -> Result<(), Error> {
    let known: Vec<&String> = folded.iter().filter(|each| each.is_known).map(|each| &each.key).collect();
    let mut open = open(tx, &known).await?;
    for Folded { key, state, scope, .. } in folded {
        for Review { kind, about, at } in &state.reviews {
            if !open.remove(&(key.clone(), kind.as_str().to_owned(), about.to_string())) {
                let values = values![key, kind.as_str(), about.to_string(), *at, now];
                tx.execute(OPEN, values).await?;
            }
        }
        if *scope == Scope::Named {
            open.retain(|(subject, ..)| subject != key);
        }
    }
    for (subject, kind, about) in open {
        tx.execute(RESOLVE, values![subject, kind, about, now]).await?;
    }
    Ok(())
}

/// Reviews of these subjects that are open: subject, kind, about.
async fn open(
    tx: &mut Transaction<'_>,
    subjects: &[&String],
) -> Result<BTreeSet<(String, String, String)>, Error> {
    let sql = "SELECT subject, kind, about FROM reviews WHERE resolved_at IS NULL AND subject IN";
    let rows = tx.rows_among(sql, subjects, "").await?;
    rows.iter().map(|row| Ok((row.text("subject")?, row.text("kind")?, row.text("about")?))).collect()
}
