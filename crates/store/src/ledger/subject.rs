//! One subject: its lock, its set of facts, and what follows from it.

use domain::{Fact, Subject};
use jiff::{SignedDuration, Timestamp};
use ledger::{Fault, Holding, Rules, StashRatio, State};

use super::balances::Deltas;
use super::{Scope, facts, journal, reviews, rows};
use crate::database::{Transaction, values};
use crate::error::Error;

/// Counts the facts and locks the row until the transaction ends. `before_at` is what the latest was before these.
const COUNT: &str = "INSERT INTO ledger_subjects (subject, facts, latest_at) VALUES ($1, $2, $3) \
    ON CONFLICT (subject) DO UPDATE SET facts = ledger_subjects.facts + excluded.facts, \
    before_at = ledger_subjects.latest_at, \
    latest_at = CASE WHEN excluded.latest_at > ledger_subjects.latest_at \
                THEN excluded.latest_at ELSE ledger_subjects.latest_at END \
    RETURNING facts, before_at";

/// Times are kept in whole microseconds: what is later than this after a time that was kept is later than the time was.
const KEPT_PRECISION: SignedDuration = SignedDuration::from_nanos(999);

/// What was known of a subject before the new facts.
struct Before {
    /// When its latest fact became so; `None` when nothing was known.
    latest: Option<Timestamp>,
}

/// Folds the set that the new facts were added to, writes its rows and posts the difference. Gives the number of entries.
pub(super) async fn take(
    tx: &mut Transaction<'_>,
    subject: &Subject,
    new: &[Fact],
    rules: &Rules,
    now: Timestamp,
    deltas: &mut Deltas,
) -> Result<u64, Error> {
    let before = count(tx, subject, new).await?;
    let rules = rules_of(tx, subject, rules, &before).await?;
    let (state, scope) = match follow(tx, subject, new, &before).await? {
        Some(state) => (state, Scope::Named),
        None => (fold(tx, subject, new, &rules, &before).await?, Scope::Whole),
    };
    rows::write(tx, &state.row, &rules, before.latest.is_some(), scope).await?;
    reviews::write(tx, subject, &state.reviews, before.latest.is_some(), scope, now).await?;
    let key = subject.to_string();
    let written = match before.latest {
        Some(_) => journal::written(tx, &key, &state.postings, scope).await?,
        None => journal::Written::default(),
    };
    journal::write(tx, &key, written, &state.postings, now, deltas).await
}

async fn count(tx: &mut Transaction<'_>, subject: &Subject, new: &[Fact]) -> Result<Before, Error> {
    let latest = new.iter().map(|fact| fact.at).max();
    let values = values![subject.to_string(), new.len() as i64, latest];
    let row = tx.row(COUNT, values).await?.ok_or_else(|| Error::unreadable("facts"))?;
    let (facts, max) = (row.int("facts")?, ledger::facts_max(subject));
    if usize::try_from(facts).is_ok_and(|facts| facts > max) {
        return Err(Error::Ledger(Fault::TooMany { subject: subject.to_string(), max }));
    }
    let has_more = usize::try_from(facts).is_ok_and(|facts| facts > new.len());
    Ok(Before { latest: if has_more { row.maybe_time("before_at")? } else { None } })
}

/// A deposit keeps the ratio that applied when it was first told of, so that a change of the setting moves no old money.
async fn rules_of(
    tx: &mut Transaction<'_>,
    subject: &Subject,
    rules: &Rules,
    before: &Before,
) -> Result<Rules, Error> {
    let (sql, id) = match subject {
        Subject::Transfer(id) => ("SELECT stash_ratio FROM transfers WHERE id = $1", id),
        Subject::CashEntry(id) => ("SELECT stash_ratio FROM cash_entries WHERE id = $1", id),
        Subject::Account(_) | Subject::Holding { .. } => return Ok(*rules),
    };
    if before.latest.is_none() {
        return Ok(*rules);
    }
    let Some(row) = tx.row(sql, values![id.to_string()]).await? else { return Ok(*rules) };
    let ratio = StashRatio::new(row.parsed("stash_ratio")?).map_err(|_| Error::unreadable("stash_ratio"))?;
    Ok(Rules { stash_ratio: ratio })
}

/// Goes on from what is written of a holding, when all new facts are later: what 100,000 fills cost is paid once, and not
/// again with each.
async fn follow(
    tx: &mut Transaction<'_>,
    subject: &Subject,
    new: &[Fact],
    before: &Before,
) -> Result<Option<State>, Error> {
    let (Subject::Holding { account, symbol }, Some(latest)) = (subject, before.latest) else {
        return Ok(None);
    };
    let latest = latest.checked_add(KEPT_PRECISION).unwrap_or(Timestamp::MAX);
    if new.iter().any(|fact| fact.at <= latest) {
        return Ok(None);
    }
    let known: Option<Holding> = rows::known_holding(tx, account, *symbol, new).await?;
    match known {
        Some(known) => Ok(ledger::follow(&known, latest, new)?),
        None => Ok(None),
    }
}

async fn fold(
    tx: &mut Transaction<'_>,
    subject: &Subject,
    new: &[Fact],
    rules: &Rules,
    before: &Before,
) -> Result<State, Error> {
    match before.latest {
        Some(_) => Ok(ledger::fold(subject, &facts::all(tx, subject).await?, rules)?),
        None => Ok(ledger::fold(subject, new, rules)?),
    }
}
