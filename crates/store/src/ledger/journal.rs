//! The journal: transactions are added and never changed. An effect is the sum of its revisions.

use std::collections::{BTreeMap, BTreeSet};

use domain::Currency;
use jiff::Timestamp;
use ledger::{LedgerAccount, LedgerError, Posting, TransactionKind};

use super::batch::{Batch, Leg, transaction_columns};
use super::columns::{enum_name, parse_enum};
use super::deltas::{Deltas, out_of_range};
use crate::database::{Row, Transaction, Value, sql, values};
use crate::error::Error;
use crate::proof::Kind;
use crate::sums::sum_sql;

macro_rules! sums_sql {
    ($from:literal, $condition:literal) => {
        concat!(
            "SELECT t.subject, t.effect, e.account, e.currency, ",
            sum_sql!("e.minor", "minor"),
            ", MAX(t.revision) AS revision, MAX(t.kind) AS kind, MAX(t.at) AS at \
             FROM ",
            $from,
            "ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id WHERE ",
            $condition
        )
    };
}
macro_rules! sums_end {
    () => {
        " GROUP BY t.subject, t.effect, e.account, e.currency"
    };
}
const SUMS_OF_SUBJECTS: &str = sums_sql!("", "t.subject IN");
const SUMS_OF_EFFECTS: &str =
    concat!(sums_sql!("key CROSS JOIN ", "t.subject = key.subject AND t.effect = key.effect"), sums_end!());

const TRANSACTION: &str =
    "INSERT INTO ledger_transactions (subject, effect, revision, kind, at, posted_at, batch, proof) VALUES ";
const TRANSACTION_END: &str = " RETURNING id, subject, effect";
const ENTRY: &str = "INSERT INTO ledger_entries (transaction_id, account, holder, currency, minor) VALUES ";

/// The present effects of a subject, by name.
pub(super) type Effects = BTreeMap<String, Effect>;

#[derive(Clone, Debug)]
pub(super) struct Effect {
    /// Number of postings.
    revisions: i64,
    kind: TransactionKind,
    /// Time of the latest posting.
    at: Timestamp,
    sums: AccountSums,
}

type AccountSums = BTreeMap<(LedgerAccount, Currency), i64>;

/// A new transaction of one effect.
#[derive(Debug, PartialEq, Eq)]
struct Correction {
    effect: String,
    revision: i64,
    kind: TransactionKind,
    at: Timestamp,
    legs: AccountSums,
}

/// The postings of a subject, and its stored effects.
pub(super) struct PostingSet<'d> {
    pub(super) subject: &'d str,
    pub(super) postings: &'d [Posting],
    pub(super) effects: Effects,
    /// Nothing is corrected before this time: that of the earliest new fact.
    pub(super) changed_from: Timestamp,
}

/// The stored effects of these subjects.
pub(super) async fn subjects(
    tx: &mut Transaction<'_>,
    subjects: &[&String],
) -> Result<BTreeMap<String, Effects>, Error> {
    by_subject(&tx.fetch_in(sql!(SUMS_OF_SUBJECTS), subjects, sums_end!()).await?)
}

/// The stored effects with these subjects and names.
pub(super) async fn effects(
    tx: &mut Transaction<'_>,
    keys: &BTreeSet<(&str, &str)>,
) -> Result<BTreeMap<String, Effects>, Error> {
    let keys = keys.iter().map(|(subject, effect)| values![*subject, *effect]).collect();
    by_subject(&tx.fetch_by_keys("subject, effect", keys, SUMS_OF_EFFECTS).await?)
}

fn by_subject(rows: &[Row]) -> Result<BTreeMap<String, Effects>, Error> {
    let mut subjects: BTreeMap<String, Effects> = BTreeMap::new();
    for row in rows {
        let (kind, revision) = (parse_enum(row, "kind")?, row.int("revision")?);
        let at = row.time("at")?;
        let none = Effect { revisions: 0, kind, at, sums: AccountSums::new() };
        let effects = subjects.entry(row.text("subject")?).or_default();
        let effect = effects.entry(row.text("effect")?).or_insert(none);
        effect.revisions = effect.revisions.max(revision);
        effect.at = effect.at.max(at);
        effect.sums.insert((row.parsed("account")?, row.parsed("currency")?), minor(row)?);
    }
    Ok(subjects)
}

/// The sum of an account; an effect has at most 64 bits.
fn minor(row: &Row) -> Result<i64, Error> {
    i64::try_from(row.sum("minor")?).map_err(|_| Error::decode("minor"))
}

/// Writes the differences between the postings and the stored effects, and adds them to the deltas. A stored effect without
/// a posting is reversed.
pub(super) async fn write(
    tx: &mut Transaction<'_>,
    sets: Vec<PostingSet<'_>>,
    now: Timestamp,
    (deltas, batch): (&mut Deltas, &mut Batch),
) -> Result<(), Error> {
    let mut corrections = Vec::new();
    for PostingSet { subject, postings, effects, changed_from } in sets {
        let differences = difference(effects, postings, changed_from)?;
        corrections.extend(differences.into_iter().map(|each| (subject, each)));
    }
    insert(tx, &corrections, now, batch).await?;
    for (_, correction) in &corrections {
        for ((account, currency), minor) in &correction.legs {
            deltas.add(account, *currency, *minor, correction.kind);
        }
    }
    Ok(())
}

/// Whether the stored effects are those of the postings.
pub(super) fn is_equal(effects: &Effects, postings: &[Posting]) -> Result<bool, Error> {
    Ok(differing_effects(effects.clone(), postings)?.is_empty())
}

/// The effects whose stored sums are not those of the postings, by name.
pub(super) fn differing_effects(effects: Effects, postings: &[Posting]) -> Result<Vec<String>, Error> {
    let corrections = corrections(effects, postings, Timestamp::MIN)?;
    Ok(corrections.into_iter().map(|correction| correction.effect).collect())
}

/// The posting of each effect less its stored sum, where the difference is not zero.
fn difference(
    effects: Effects,
    postings: &[Posting],
    changed_from: Timestamp,
) -> Result<Vec<Correction>, Error> {
    let corrections = corrections(effects, postings, changed_from)?;
    corrections.iter().try_for_each(check_balance)?;
    Ok(corrections)
}

/// A correction takes effect when the fact that caused it happened, so that what was true before stays as it was.
fn corrections(
    mut effects: Effects,
    postings: &[Posting],
    changed_from: Timestamp,
) -> Result<Vec<Correction>, Error> {
    let mut corrections = Vec::new();
    for posting in postings {
        let (kind, at) = (posting.kind(), posting.at().max(changed_from));
        let before = effects.remove(posting.effect());
        let before = before.unwrap_or(Effect { revisions: 0, kind, at, sums: AccountSums::new() });
        let revision = before.revisions + 1;
        let mut legs = negated(before.sums)?;
        for leg in posting.legs() {
            add(&mut legs, (leg.account.clone(), leg.money.currency()), leg.money.minor())?;
        }
        let effect = posting.effect().to_owned();
        corrections.push(Correction { effect, revision, kind, at, legs });
    }
    for (effect, Effect { revisions, kind, at, sums }) in effects {
        let (revision, legs) = (revisions + 1, negated(sums)?);
        corrections.push(Correction { effect, revision, kind, at: at.max(changed_from), legs });
    }
    for correction in &mut corrections {
        correction.legs.retain(|_, minor| *minor != 0);
    }
    corrections.retain(|correction| !correction.legs.is_empty());
    Ok(corrections)
}

fn negated(sums: AccountSums) -> Result<AccountSums, Error> {
    let negate = |(key, minor): (_, i64)| Ok((key, minor.checked_neg().ok_or_else(out_of_range)?));
    sums.into_iter().map(negate).collect()
}

fn add(legs: &mut AccountSums, key: (LedgerAccount, Currency), minor: i64) -> Result<(), Error> {
    let sum = legs.entry(key).or_insert(0);
    *sum = sum.checked_add(minor).ok_or_else(out_of_range)?;
    Ok(())
}

/// Postgres checks this again when the transaction commits; SQLite cannot.
fn check_balance(correction: &Correction) -> Result<(), Error> {
    let mut totals: BTreeMap<Currency, i128> = BTreeMap::new();
    for ((_, currency), minor) in &correction.legs {
        *totals.entry(*currency).or_default() += i128::from(*minor);
    }
    match totals.into_iter().find(|(_, total)| *total != 0) {
        Some((currency, _)) => {
            Err(Error::Ledger(LedgerError::Unbalanced { effect: correction.effect.clone(), currency }))
        }
        None => Ok(()),
    }
}

/// Inserts the transactions with their entries, and adds them to the batch.
async fn insert(
    tx: &mut Transaction<'_>,
    corrections: &[(&str, Correction)],
    now: Timestamp,
    batch: &mut Batch,
) -> Result<(), Error> {
    let mut transactions = Vec::with_capacity(corrections.len());
    let mut new: BTreeMap<(String, String), (Vec<Leg>, Vec<u8>)> = BTreeMap::new();
    for (subject, Correction { effect, revision, kind, at, legs }) in corrections {
        let head = values![*subject, effect, *revision, enum_name(kind)?, *at, now, batch.id()];
        let legs: Vec<Leg> = legs.iter().map(leg).collect();
        let proof = batch.prove(Kind::Transaction, &transaction_columns(head.clone(), legs.clone()));
        transactions.push([head, values![proof.clone()]].concat());
        new.insert(((*subject).to_owned(), effect.clone()), (legs, proof));
    }
    let mut entries: Vec<Vec<Value>> = Vec::new();
    for row in tx.insert_rows(TRANSACTION, transactions, TRANSACTION_END).await? {
        let key = (row.text("subject")?, row.text("effect")?);
        let (id, (legs, proof)) = (row.int("id")?, new.remove(&key).ok_or_else(|| Error::decode("effect"))?);
        batch.add_transaction(id, proof, legs.len() as u64);
        entries.extend(
            legs.into_iter()
                .map(|(account, holder, currency, minor)| values![id, account, holder, currency, minor]),
        );
    }
    tx.insert_rows(ENTRY, entries, "").await.map(drop)
}

fn leg(((account, currency), minor): (&(LedgerAccount, Currency), &i64)) -> Leg {
    (account.to_string(), account.holder().map(ToString::to_string), currency.to_string(), *minor)
}

#[cfg(test)]
mod tests {
    use domain::Money;
    use ledger::{Bucket, System, TransactionKind};

    use super::*;

    fn posting(effect: &str, minor: i64) -> Posting {
        let between = (
            LedgerAccount::System(System::Income),
            LedgerAccount::User("alpaca:a1".parse().unwrap(), Bucket::FiatExposure),
        );
        let money = Money::from_minor(minor, Currency::Usd);
        Posting::movement(effect.to_owned(), TransactionKind::Dividend, Timestamp::UNIX_EPOCH, money, between)
            .unwrap()
    }

    fn stored(effect: &str, minor: i64) -> Effects {
        let legs = posting(effect, minor).legs().to_vec();
        let sums =
            legs.into_iter().map(|leg| ((leg.account, leg.money.currency()), leg.money.minor())).collect();
        let (kind, at) = (TransactionKind::Dividend, Timestamp::UNIX_EPOCH);
        Effects::from([(effect.to_owned(), Effect { revisions: 1, kind, at, sums })])
    }

    /// Effect, revision, and the change of the holder's account.
    fn added(effects: Effects, postings: &[Posting]) -> Vec<(String, i64, i64)> {
        let corrections = difference(effects, postings, Timestamp::UNIX_EPOCH).unwrap();
        let holder_minor = |correction: &Correction| {
            let mut legs = correction.legs.iter();
            *legs.find(|((account, _), _)| account.holder().is_some()).unwrap().1
        };
        corrections.iter().map(|each| (each.effect.clone(), each.revision, holder_minor(each))).collect()
    }

    #[test]
    fn only_differences_are_added() {
        for (before, after, expected) in [
            (Effects::new(), vec![posting("a", 5)], vec![("a".to_owned(), 1, 5)]),
            (stored("a", 5), vec![posting("a", 5)], vec![]),
            (stored("a", 5), vec![posting("a", 7)], vec![("a".to_owned(), 2, 2)]),
            (stored("a", 5), vec![posting("a", 0)], vec![("a".to_owned(), 2, -5)]),
            (stored("a", 5), vec![posting("b", 1)], vec![("b".to_owned(), 1, 1), ("a".to_owned(), 2, -5)]),
            (stored("a", 0), vec![], vec![]),
        ] {
            assert_eq!(added(before, &after), expected);
        }
    }

    #[test]
    fn unbalanced_corrections_are_refused() {
        let mut before = stored("a", 5);
        before.get_mut("a").unwrap().sums.pop_first();
        assert!(matches!(
            difference(before, &[], Timestamp::UNIX_EPOCH),
            Err(Error::Ledger(LedgerError::Unbalanced { .. }))
        ));
    }
}
