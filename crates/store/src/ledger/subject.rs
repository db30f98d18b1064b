//! Subjects: their locks, their sets of facts, and what follows from them.

use std::collections::BTreeMap;

use domain::{ExternalId, Fact, Subject, Symbol};
use jiff::{SignedDuration, Timestamp};
use ledger::{Amended, Fault, Posting, Rules, StashRatio, State};

use super::balances::Deltas;
use super::journal::Due;
use super::{Scope, facts, journal, reviews, rows};
use crate::database::{Transaction, values};
use crate::error::Error;

/// Counts the facts and locks the rows until the transaction ends. `before_at` is what the latest was before these.
const COUNT: &str = "INSERT INTO ledger_subjects (subject, facts, latest_at) VALUES ";
const COUNT_END: &str = " ON CONFLICT (subject) DO UPDATE SET facts = ledger_subjects.facts + excluded.facts, \
    before_at = ledger_subjects.latest_at, \
    latest_at = CASE WHEN excluded.latest_at > ledger_subjects.latest_at \
                THEN excluded.latest_at ELSE ledger_subjects.latest_at END \
    RETURNING subject, facts, before_at";

/// Ratios are kept with what they were applied to.
const TRANSFER_RATIOS: &str = "SELECT id, stash_ratio FROM transfers WHERE id IN";
const CASH_ENTRY_RATIOS: &str = "SELECT id, stash_ratio FROM cash_entries WHERE id IN";

/// Times are kept in whole microseconds: what is later than this after a time that was kept is later than the time was.
const KEPT_PRECISION: SignedDuration = SignedDuration::from_nanos(999);

/// A subject whose row is locked.
struct Locked {
    subject: Subject,
    key: String,
    /// What was not known of it.
    new: Vec<Fact>,
    /// When the latest fact that was known became so; `None` when nothing was known.
    latest: Option<Timestamp>,
}

/// What the facts of a subject come to.
pub(super) struct Folded {
    /// The subject, as it is written.
    pub(super) key: String,
    /// Whether anything was kept of it before.
    pub(super) is_known: bool,
    /// What was applied.
    pub(super) rules: Rules,
    pub(super) state: State,
    pub(super) scope: Scope,
    /// Effects that came to nothing, where the postings do not speak for all.
    pub(super) gone: Vec<String>,
}

/// Folds the sets that the new facts were added to, writes their rows and posts the differences. Gives the number of
/// entries.
pub(super) async fn take(
    tx: &mut Transaction<'_>,
    new: BTreeMap<Subject, Vec<Fact>>,
    rules: &Rules,
    now: Timestamp,
    deltas: &mut Deltas,
) -> Result<u64, Error> {
    let locked = lock(tx, new).await?;
    let folded = fold(tx, &locked, rules).await?;
    rows::write(tx, &folded).await?;
    reviews::write(tx, &folded, now).await?;
    post(tx, &folded, now, deltas).await
}

/// Locks the subjects in their own order, so that two transactions do not wait for each other in a circle.
async fn lock(tx: &mut Transaction<'_>, new: BTreeMap<Subject, Vec<Fact>>) -> Result<Vec<Locked>, Error> {
    let of = |(subject, new): (&Subject, &Vec<Fact>)| {
        values![subject.to_string(), new.len() as i64, new.iter().map(|fact| fact.at).max()]
    };
    let counts = new.iter().map(of).collect();
    let mut before = BTreeMap::new();
    for row in tx.write_rows_returning(COUNT, counts, COUNT_END).await? {
        before.insert(row.text("subject")?, (row.int("facts")?, row.maybe_time("before_at")?));
    }
    let lock = |(subject, new): (Subject, Vec<Fact>)| {
        let key = subject.to_string();
        let (facts, before_at) = before.remove(&key).ok_or_else(|| Error::unreadable("facts"))?;
        let (facts, max) = (usize::try_from(facts).unwrap_or(usize::MAX), ledger::facts_max(&subject));
        if facts > max {
            return Err(Error::Ledger(Fault::TooMany { subject: key, max }));
        }
        let latest = if facts > new.len() { before_at } else { None };
        Ok(Locked { subject, key, new, latest })
    };
    new.into_iter().map(lock).collect()
}

async fn fold(tx: &mut Transaction<'_>, locked: &[Locked], rules: &Rules) -> Result<Vec<Folded>, Error> {
    let known = || locked.iter().filter(|locked| locked.latest.is_some());
    let ratios = ratios(tx, known().map(|locked| &locked.subject)).await?;
    // Sets of holdings may be large, and are read one at a time.
    let small = known().filter(|locked| !matches!(locked.subject, Subject::Holding { .. }));
    let sets = facts::all(tx, &small.map(|locked| locked.key.clone()).collect::<Vec<_>>()).await?;
    let mut folded = Vec::with_capacity(locked.len());
    for Locked { subject, key, new, latest } in locked {
        let rules = Rules { stash_ratio: ratios.get(subject).copied().unwrap_or(rules.stash_ratio) };
        let (Amended { state, gone }, scope) = match (subject, latest) {
            (_, None) => (whole(ledger::fold(subject, new, &rules)?), Scope::Whole),
            (Subject::Holding { account, symbol }, Some(latest)) => {
                holding(tx, (subject, account, *symbol), new, *latest).await?
            }
            (_, Some(_)) => {
                let all = sets.get(subject).ok_or_else(|| Error::unreadable("subject"))?;
                (whole(ledger::fold(subject, all, &rules)?), Scope::Whole)
            }
        };
        folded.push(Folded { key: key.clone(), is_known: latest.is_some(), rules, state, scope, gone });
    }
    Ok(folded)
}

/// A deposit keeps the ratio that applied when it was first told of, so that a change of the setting moves no old money.
async fn ratios<'s>(
    tx: &mut Transaction<'_>,
    known: impl Iterator<Item = &'s Subject> + Clone,
) -> Result<BTreeMap<Subject, StashRatio>, Error> {
    let transfers = known.clone().filter_map(|subject| match subject {
        Subject::Transfer(id) => Some((id.to_string(), subject)),
        _ => None,
    });
    let cash_entries = known.filter_map(|subject| match subject {
        Subject::CashEntry(id) => Some((id.to_string(), subject)),
        _ => None,
    });
    let mut ratios = BTreeMap::new();
    read_ratios(tx, TRANSFER_RATIOS, transfers.collect(), &mut ratios).await?;
    read_ratios(tx, CASH_ENTRY_RATIOS, cash_entries.collect(), &mut ratios).await?;
    Ok(ratios)
}

async fn read_ratios(
    tx: &mut Transaction<'_>,
    sql: &'static str,
    of: BTreeMap<String, &Subject>,
    ratios: &mut BTreeMap<Subject, StashRatio>,
) -> Result<(), Error> {
    let ids: Vec<&String> = of.keys().collect();
    for row in tx.rows_among(sql, &ids, "").await? {
        let ratio =
            StashRatio::new(row.parsed("stash_ratio")?).map_err(|_| Error::unreadable("stash_ratio"))?;
        let subject = of.get(&row.text("id")?).ok_or_else(|| Error::unreadable("id"))?;
        ratios.insert((*subject).clone(), ratio);
    }
    Ok(())
}

/// A state that speaks for all.
const fn whole(state: State) -> Amended {
    Amended { state, gone: Vec::new() }
}

/// A holding of which something was known goes on from what is written of it, when all new facts are later: what 100,000
/// fills cost is paid once, and not again with each. Otherwise its set is folded with and without the new facts, and what
/// they changed is written.
async fn holding(
    tx: &mut Transaction<'_>,
    (subject, account, symbol): (&Subject, &ExternalId, Symbol),
    new: &[Fact],
    latest: Timestamp,
) -> Result<(Amended, Scope), Error> {
    let kept = latest.checked_add(KEPT_PRECISION).unwrap_or(Timestamp::MAX);
    if new.iter().all(|fact| fact.at > kept)
        && let Some(known) = rows::known_holding(tx, account, symbol, new).await?
        && let Some(state) = ledger::follow(&known, kept, new)?
    {
        return Ok((whole(state), Scope::Named));
    }
    let mut sets = facts::all(tx, &[subject.to_string()]).await?;
    let all = sets.remove(subject).ok_or_else(|| Error::unreadable("subject"))?;
    Ok((ledger::amend(account, symbol, &all, new)?, Scope::Amended))
}

async fn post(
    tx: &mut Transaction<'_>,
    folded: &[Folded],
    now: Timestamp,
    deltas: &mut Deltas,
) -> Result<u64, Error> {
    let is_whole = |folded: &&Folded| folded.is_known && folded.scope == Scope::Whole;
    let whole: Vec<&String> = folded.iter().filter(is_whole).map(|folded| &folded.key).collect();
    let mut written = journal::whole(tx, &whole).await?;
    let mut due = Vec::with_capacity(folded.len());
    for Folded { key, state, scope, gone, .. } in folded {
        let written = match scope {
            Scope::Whole => written.remove(key).unwrap_or_default(),
            Scope::Amended | Scope::Named => {
                let effects =
                    state.postings.iter().map(Posting::effect).chain(gone.iter().map(String::as_str));
                journal::named(tx, key, &effects.collect::<Vec<_>>()).await?
            }
        };
        due.push(Due { subject: key, postings: &state.postings, written });
    }
    journal::write(tx, due, now, deltas).await
}
