//! Subjects: their locks, their sets of facts, and the folds of these sets.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ExternalId, Fact, Subject, Symbol};
use jiff::{SignedDuration, Timestamp};
use ledger::{Elsewhere, FoldDiff, Holding, Posting, Rules, StashRatio, State};

use super::batch::Batch;
use super::deltas::Deltas;
use super::journal::PostingSet;
use super::{Scope, SubjectState, coins, facts, journal, repeated_entries, reviews, rows};
use crate::database::{Row, Transaction, sql, values};
use crate::error::Error;

/// Counts the facts and locks the rows until the transaction ends. `previous_at` is the latest time before these facts.
const COUNT: &str = "INSERT INTO ledger_subjects (subject, facts, latest_at) VALUES ";
const COUNT_END: &str = " ON CONFLICT (subject) DO UPDATE SET facts = ledger_subjects.facts + excluded.facts, \
    previous_at = ledger_subjects.latest_at, \
    latest_at = CASE WHEN excluded.latest_at > ledger_subjects.latest_at \
                THEN excluded.latest_at ELSE ledger_subjects.latest_at END \
    RETURNING subject, facts, previous_at";

const TRANSFER_RATIOS: &str = "SELECT id, stash_ratio FROM transfers WHERE id IN";
const CASH_ENTRY_RATIOS: &str = "SELECT id, stash_ratio FROM cash_entries WHERE id IN";

/// A subject whose row is locked.
struct SubjectLock {
    subject: Subject,
    key: String,
    new: Vec<Fact>,
    /// The time of the latest fact before the new ones; `None` if there was none.
    latest: Option<Timestamp>,
    /// Number of its facts, the new ones included.
    facts: usize,
}

impl SubjectLock {
    /// Whether it has more facts than are folded. They are stored all the same: a job that fails would fail for ever.
    fn is_full(&self) -> bool {
        self.facts > ledger::facts_max(&self.subject)
    }
}

/// Folds the sets of the new facts, writes their rows and posts the differences.
pub(super) async fn apply_subjects(
    tx: &mut Transaction<'_>,
    new: BTreeMap<Subject, Vec<Fact>>,
    rules: &Rules,
    now: Timestamp,
    changes: (&mut Deltas, &mut Batch),
) -> Result<(), Error> {
    let movements = coins::lock(tx, &new).await?;
    let (full, locks): (Vec<_>, Vec<_>) = lock(tx, new).await?.into_iter().partition(SubjectLock::is_full);
    for SubjectLock { subject, key, new, .. } in &full {
        reviews::open_full(tx, (subject, key), new, now).await?;
    }
    let mut states = fold(tx, &locks, rules).await?;
    let senders = coins::settle(tx, &mut states, &movements).await?;
    rows::write(tx, &states).await?;
    if !senders.is_empty() {
        states.extend(fold_senders(tx, &senders, rules).await?);
    }
    repeated_entries::add_reviews(tx, &mut states).await?;
    reviews::write(tx, &states, now).await?;
    post(tx, &states, now, changes).await
}

/// Folds transfers without new facts whose coins arrived, and writes their rows.
async fn fold_senders(
    tx: &mut Transaction<'_>,
    senders: &coins::Senders,
    rules: &Rules,
) -> Result<Vec<SubjectState>, Error> {
    let subjects = senders.keys().map(|subject| (subject.clone(), Vec::new())).collect();
    let mut locks = lock(tx, subjects).await?;
    locks.retain(|lock| !lock.is_full());
    let mut states = fold(tx, &locks, rules).await?;
    for (SubjectLock { subject, .. }, state) in locks.iter().zip(&mut states) {
        state.scope = Scope::Reposted;
        if let Some((changed_from, outcome)) = senders.get(subject) {
            state.changed_from = *changed_from;
            coins::apply(&mut state.state, *outcome);
        }
    }
    rows::write(tx, &states).await?;
    Ok(states)
}

/// Locks the subjects in a fixed order, so that two transactions cannot deadlock.
async fn lock(
    tx: &mut Transaction<'_>,
    new: BTreeMap<Subject, Vec<Fact>>,
) -> Result<Vec<SubjectLock>, Error> {
    let row = |(subject, new): (&Subject, &Vec<Fact>)| {
        let latest = new.iter().map(|fact| fact.at).max().unwrap_or(Timestamp::MIN);
        values![subject.to_string(), new.len() as i64, latest]
    };
    let mut counts = BTreeMap::new();
    for row in tx.insert_rows(COUNT, new.iter().map(row).collect(), COUNT_END).await? {
        counts.insert(row.text("subject")?, (row.number("facts")?, row.optional_time("previous_at")?));
    }
    let lock = |(subject, new): (Subject, Vec<Fact>)| {
        let key = subject.to_string();
        let (facts, previous_at): (usize, _) = counts.remove(&key).ok_or_else(|| Error::decode("facts"))?;
        let latest = previous_at.filter(|_| facts > new.len());
        Ok(SubjectLock { subject, key, new, latest, facts })
    };
    new.into_iter().map(lock).collect()
}

async fn fold(
    tx: &mut Transaction<'_>,
    locks: &[SubjectLock],
    rules: &Rules,
) -> Result<Vec<SubjectState>, Error> {
    let existing = || locks.iter().filter(|lock| lock.latest.is_some());
    let ratios = ratios(tx, existing().map(|lock| &lock.subject)).await?;
    // Sets of holdings may be large and are read one at a time.
    let small = existing().filter(|lock| !matches!(lock.subject, Subject::Holding { .. }));
    let sets = facts::sets(tx, &small.map(|lock| lock.key.clone()).collect::<Vec<_>>()).await?;
    let mut holdings = StoredHoldings::find(tx, locks).await?;
    let mut states = Vec::with_capacity(locks.len());
    for lock in locks {
        let SubjectLock { subject, key, new, latest, .. } = lock;
        let rules = Rules { stash_ratio: ratios.get(subject).copied().unwrap_or(rules.stash_ratio) };
        let (FoldDiff { state, removed_effects }, scope) = match (subject, latest) {
            (Subject::Holding { account, symbol }, _) => {
                holding(tx, lock, (account, *symbol), &mut holdings).await?
            }
            (_, None) => (whole(ledger::fold(subject, new, &rules)?), Scope::Whole),
            (_, Some(_)) => {
                let all = sets.get(subject).ok_or_else(|| Error::decode("subject"))?;
                (whole(ledger::fold(subject, all, &rules)?), Scope::Whole)
            }
        };
        states.push(SubjectState {
            key: key.clone(),
            is_known: latest.is_some(),
            rules,
            state,
            scope,
            changed_from: new.iter().map(|fact| fact.at).min().unwrap_or(Timestamp::MIN),
            removed_effects,
        });
    }
    Ok(states)
}

/// A deposit keeps the ratio at its first report, so that a change of the setting does not affect old deposits.
async fn ratios<'s>(
    tx: &mut Transaction<'_>,
    existing: impl Iterator<Item = &'s Subject>,
) -> Result<BTreeMap<Subject, StashRatio>, Error> {
    let (mut transfers, mut cash_entries) = (Vec::new(), Vec::new());
    for subject in existing {
        match subject {
            Subject::Transfer(id) => transfers.push(id.to_string()),
            Subject::CashEntry(id) => cash_entries.push(id.to_string()),
            Subject::Account(_) | Subject::Holding { .. } | Subject::Journal(_) => {}
        }
    }
    let mut ratios = BTreeMap::new();
    for row in tx.fetch_in(sql!(TRANSFER_RATIOS), &transfers, "").await? {
        ratios.insert(Subject::Transfer(row.parsed("id")?), stash_ratio(&row)?);
    }
    for row in tx.fetch_in(sql!(CASH_ENTRY_RATIOS), &cash_entries, "").await? {
        ratios.insert(Subject::CashEntry(row.parsed("id")?), stash_ratio(&row)?);
    }
    Ok(ratios)
}

fn stash_ratio(row: &Row) -> Result<StashRatio, Error> {
    StashRatio::new(row.parsed("stash_ratio")?).map_err(|_| Error::decode("stash_ratio"))
}

/// A state whose postings cover all effects.
const fn whole(state: State) -> FoldDiff {
    FoldDiff { state, removed_effects: Vec::new() }
}

/// What is stored of the holdings of a batch.
struct StoredHoldings {
    /// Their executions that belong to other holdings.
    elsewhere: BTreeMap<(ExternalId, Symbol), Elsewhere>,
    /// The rows of those whose new facts are all later.
    rows: BTreeMap<(ExternalId, Symbol), Holding>,
}

impl StoredHoldings {
    async fn find(tx: &mut Transaction<'_>, locks: &[SubjectLock]) -> Result<Self, Error> {
        let key = |lock: &SubjectLock| match &lock.subject {
            Subject::Holding { account, symbol } => Some((account.clone(), *symbol)),
            Subject::Account(_) | Subject::Transfer(_) | Subject::CashEntry(_) | Subject::Journal(_) => None,
        };
        let by_key = |lock| Some((key(lock)?, lock.new.as_slice()));
        let elsewhere = rows::find_elsewhere(tx, &locks.iter().filter_map(by_key).collect()).await?;
        let is_later = |lock: &&SubjectLock| {
            lock.latest.is_some_and(|latest| lock.new.iter().all(|fact| fact.at > after(latest)))
        };
        let later = locks.iter().filter(is_later).filter_map(by_key).collect();
        Ok(Self { elsewhere, rows: rows::find_holdings(tx, &later).await? })
    }
}

/// Times are stored in whole microseconds: only a time more than this after a stored time is later.
fn after(stored: Timestamp) -> Timestamp {
    stored.checked_add(SignedDuration::from_nanos(999)).unwrap_or(Timestamp::MAX)
}

/// A holding continues from its written rows if all new facts are later, so that 100,000 fills are not folded again with each
/// new one. Otherwise its set is folded with and without the new facts, and the difference is written.
async fn holding(
    tx: &mut Transaction<'_>,
    SubjectLock { subject, new, latest, .. }: &SubjectLock,
    (account, symbol): (&ExternalId, Symbol),
    stored: &mut StoredHoldings,
) -> Result<(FoldDiff, Scope), Error> {
    let key = (account.clone(), symbol);
    let mut elsewhere = stored.elsewhere.remove(&key).unwrap_or_default();
    let Some(latest) = *latest else {
        return Ok((whole(ledger::fold_holding(account, symbol, new, &elsewhere)?), Scope::Whole));
    };
    if let Some(before) = stored.rows.remove(&key)
        && let Some(state) = ledger::fold_incremental(&before, after(latest), new, &elsewhere)?
    {
        return Ok((whole(state), Scope::Named));
    }
    let mut sets = facts::sets(tx, &[subject.to_string()]).await?;
    let all = sets.remove(subject).ok_or_else(|| Error::decode("subject"))?;
    elsewhere.extend(rows::parked_elsewhere(tx, account, symbol).await?);
    Ok((ledger::fold_diff(account, symbol, &all, new, &elsewhere)?, Scope::Changed))
}

async fn post(
    tx: &mut Transaction<'_>,
    states: &[SubjectState],
    now: Timestamp,
    changes: (&mut Deltas, &mut Batch),
) -> Result<(), Error> {
    let (mut whole, mut named): (Vec<&String>, BTreeSet<(&str, &str)>) = (Vec::new(), BTreeSet::new());
    for SubjectState { key, is_known, state, scope, removed_effects, .. } in states {
        match scope {
            Scope::Whole | Scope::Reposted if *is_known => whole.push(key),
            Scope::Whole | Scope::Reposted => {}
            Scope::Changed | Scope::Named => {
                let effects = state.postings.iter().map(Posting::effect);
                let effects = effects.chain(removed_effects.iter().map(String::as_str));
                named.extend(effects.map(|effect| (key.as_str(), effect)));
            }
        }
    }
    let mut by_subject = journal::subjects(tx, &whole).await?;
    by_subject.append(&mut journal::effects(tx, &named).await?);
    let mut sets = Vec::with_capacity(states.len());
    for SubjectState { key, state, changed_from, .. } in states {
        let (effects, changed_from) = (by_subject.remove(key).unwrap_or_default(), *changed_from);
        sets.push(PostingSet { subject: key, postings: &state.postings, effects, changed_from });
    }
    journal::write(tx, sets, now, changes).await
}
