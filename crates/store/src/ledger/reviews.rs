//! What people should look at, opened and resolved with the facts.

use std::collections::BTreeSet;

use domain::Subject;
use jiff::Timestamp;
use ledger::Review;

use super::Scope;
use crate::database::{Transaction, values};
use crate::error::Error;

const OPEN: &str = "INSERT INTO reviews (subject, kind, about, at, opened_at) VALUES ($1, $2, $3, $4, $5) \
    ON CONFLICT (subject, kind, about) DO UPDATE SET at = excluded.at, resolved_at = NULL";
const RESOLVE: &str = "UPDATE reviews SET resolved_at = $4 WHERE subject = $1 AND kind = $2 AND about = $3";

/// Opens what the state names, and resolves what it names no more when it speaks for all of the subject.
pub(super) async fn write(
    tx: &mut Transaction<'_>,
    subject: &Subject,
    reviews: &[Review],
    is_known: bool,
    scope: Scope,
    now: Timestamp,
) -> Result<(), Error> {
    let subject = subject.to_string();
    let mut open = if is_known { open(tx, &subject).await? } else { BTreeSet::new() };
    for Review { kind, about, at } in reviews {
        if !open.remove(&(kind.as_str().to_owned(), about.to_string())) {
            let values = values![&subject, kind.as_str(), about.to_string(), *at, now];
            tx.execute(OPEN, values).await?;
        }
    }
    if scope == Scope::Whole {
        for (kind, about) in open {
            tx.execute(RESOLVE, values![&subject, kind, about, now]).await?;
        }
    }
    Ok(())
}

async fn open(tx: &mut Transaction<'_>, subject: &str) -> Result<BTreeSet<(String, String)>, Error> {
    let sql = "SELECT kind, about FROM reviews WHERE subject = $1 AND resolved_at IS NULL";
    let rows = tx.rows(sql, values![subject]).await?;
    rows.iter().map(|row| Ok((row.text("kind")?, row.text("about")?))).collect()
}
