//! The journal: movements that are added and never changed. What an effect comes to is the sum of its revisions.

use std::collections::BTreeMap;

use domain::{Currency, MoneyError};
use jiff::Timestamp;
use ledger::{Fault, LedgerAccount, Posting, TransactionKind};

use super::balances::Deltas;
use crate::database::{ROWS_MAX, Statement, Transaction, Value, values};
use crate::error::Error;

const SUMS: &str = "SELECT t.subject, t.effect, e.account, e.currency, CAST(SUM(e.minor) AS BIGINT) AS minor, \
    MAX(t.revision) AS revision, MAX(t.kind) AS kind \
    FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id";
const GROUPED: &str = " GROUP BY t.subject, t.effect, e.account, e.currency";

const TRANSACTION: &str =
    "INSERT INTO ledger_transactions (subject, effect, revision, kind, at, posted_at) VALUES ";
const TRANSACTION_END: &str = " RETURNING id, subject, effect";
const ENTRY: &str = "INSERT INTO ledger_entries (transaction_id, account, holder, currency, minor) VALUES ";

/// What stands in the journal, by effect.
pub(super) type Written = BTreeMap<String, Effect>;

/// What stands in the journal of one effect.
#[derive(Debug)]
pub(super) struct Effect {
    /// How often it was written.
    revisions: i64,
    kind: TransactionKind,
    sums: Sums,
}

type Sums = BTreeMap<(LedgerAccount, Currency), i64>;

/// What is to be added for one effect.
#[derive(Debug, PartialEq, Eq)]
struct Movement {
    effect: String,
    revision: i64,
    kind: TransactionKind,
    at: Timestamp,
    legs: Sums,
}

/// What a subject's postings say, and what is written of them.
pub(super) struct Due<'d> {
    pub(super) subject: &'d str,
    pub(super) postings: &'d [Posting],
    pub(super) written: Written,
}

/// What stands in the journal of these subjects.
pub(super) async fn whole(
    tx: &mut Transaction<'_>,
    subjects: &[&String],
) -> Result<BTreeMap<String, Written>, Error> {
    let mut written = BTreeMap::new();
    for subjects in subjects.chunks(ROWS_MAX) {
        let mut statement = Statement::new(SUMS);
        statement.among(" WHERE t.subject IN", subjects.iter().copied()).words(GROUPED);
        read(tx, statement, &mut written).await?;
    }
    Ok(written)
}

/// What stands in the journal of a subject, of these effects.
pub(super) async fn named(
    tx: &mut Transaction<'_>,
    subject: &str,
    effects: &[&str],
) -> Result<Written, Error> {
    let mut written = BTreeMap::new();
    for effects in effects.chunks(ROWS_MAX) {
        let mut statement = Statement::new(SUMS);
        statement.words(" WHERE t.subject = ").value(subject);
        statement.among(" AND t.effect IN", effects.iter().copied()).words(GROUPED);
        read(tx, statement, &mut written).await?;
    }
    Ok(written.remove(subject).unwrap_or_default())
}

async fn read(
    tx: &mut Transaction<'_>,
    statement: Statement,
    written: &mut BTreeMap<String, Written>,
) -> Result<(), Error> {
    let (sql, values) = statement.finish();
    for row in tx.rows_made(sql, values).await? {
        let (kind, revision) = (row.parsed("kind")?, row.int("revision")?);
        let none = Effect { revisions: 0, kind, sums: Sums::new() };
        let of_subject = written.entry(row.text("subject")?).or_default();
        let effect = of_subject.entry(row.text("effect")?).or_insert(none);
        effect.revisions = effect.revisions.max(revision);
        effect.sums.insert((row.parsed("account")?, row.parsed("currency")?), row.int("minor")?);
    }
    Ok(())
}

/// Adds what the postings say less what is written, and notes what that changes on the accounts of holders. An effect that
/// is written and not posted has come to nothing. Gives the number of entries.
pub(super) async fn write(
    tx: &mut Transaction<'_>,
    due: Vec<Due<'_>>,
    now: Timestamp,
    deltas: &mut Deltas,
) -> Result<u64, Error> {
    let mut movements = Vec::new();
    for Due { subject, postings, written } in due {
        movements.extend(difference(written, postings, now)?.into_iter().map(|movement| (subject, movement)));
    }
    let ids = transactions(tx, &movements, now).await?;
    let count = entries(tx, ids, &movements).await?;
    for (_, movement) in &movements {
        for ((account, currency), minor) in &movement.legs {
            deltas.add(account, *currency, *minor, movement.kind)?;
        }
    }
    Ok(count)
}

/// Each effect's postings less what is written of it, where that is not nothing.
fn difference(mut written: Written, postings: &[Posting], now: Timestamp) -> Result<Vec<Movement>, Error> {
    let mut movements = Vec::new();
    for posting in postings {
        let kind = posting.kind();
        let before = written.remove(posting.effect());
        let before = before.unwrap_or(Effect { revisions: 0, kind, sums: Sums::new() });
        let revision = before.revisions + 1;
        let mut legs = turned(before.sums)?;
        for leg in posting.legs() {
            add(&mut legs, (leg.account.clone(), leg.money.currency()), leg.money.minor())?;
        }
        let effect = posting.effect().to_owned();
        movements.push(Movement { effect, revision, kind, at: posting.at(), legs });
    }
    for (effect, Effect { revisions, kind, sums }) in written {
        movements.push(Movement { effect, revision: revisions + 1, kind, at: now, legs: turned(sums)? });
    }
    for movement in &mut movements {
        movement.legs.retain(|_, minor| *minor != 0);
        check(movement)?;
    }
    movements.retain(|movement| !movement.legs.is_empty());
    Ok(movements)
}

fn turned(sums: Sums) -> Result<Sums, Error> {
    let turned = |(key, minor): (_, i64)| minor.checked_neg().map(|minor| (key, minor)).ok_or_else(too_large);
    sums.into_iter().map(turned).collect()
}

fn add(legs: &mut Sums, key: (LedgerAccount, Currency), minor: i64) -> Result<(), Error> {
    let sum = legs.entry(key).or_insert(0);
    *sum = sum.checked_add(minor).ok_or_else(too_large)?;
    Ok(())
}

fn too_large() -> Error {
    Error::Ledger(Fault::Money(MoneyError::OutOfRange))
}

/// Postgres checks this again when the transaction commits; SQLite cannot.
fn check(movement: &Movement) -> Result<(), Error> {
    let mut totals: BTreeMap<Currency, i128> = BTreeMap::new();
    for ((_, currency), minor) in &movement.legs {
        *totals.entry(*currency).or_default() += i128::from(*minor);
    }
    match totals.into_iter().find(|(_, total)| *total != 0) {
        Some((currency, _)) => {
            Err(Error::Ledger(Fault::Unbalanced { effect: movement.effect.clone(), currency }))
        }
        None => Ok(()),
    }
}

/// Writes the heads of the movements and gives their ids, by subject and effect.
async fn transactions(
    tx: &mut Transaction<'_>,
    movements: &[(&str, Movement)],
    now: Timestamp,
) -> Result<BTreeMap<(String, String), i64>, Error> {
    let of = |(subject, movement): &(&str, Movement)| {
        let Movement { effect, revision, kind, at, legs: _ } = movement;
        values![*subject, effect, *revision, kind.as_str(), *at, now]
    };
    let rows = movements.iter().map(of).collect();
    let rows = tx.write_rows_returning(TRANSACTION, rows, TRANSACTION_END).await?;
    rows.iter().map(|row| Ok(((row.text("subject")?, row.text("effect")?), row.int("id")?))).collect()
}

/// Writes the legs of the movements, and counts them.
async fn entries(
    tx: &mut Transaction<'_>,
    mut ids: BTreeMap<(String, String), i64>,
    movements: &[(&str, Movement)],
) -> Result<u64, Error> {
    let mut rows: Vec<Vec<Value>> = Vec::new();
    for (subject, movement) in movements {
        let id = ids.remove(&((*subject).to_owned(), movement.effect.clone()));
        let id = id.ok_or_else(|| Error::unreadable("effect"))?;
        for ((account, currency), minor) in &movement.legs {
            let holder = account.holder().map(ToString::to_string);
            rows.push(values![id, account.to_string(), holder, currency.as_str(), *minor]);
        }
    }
    let count = rows.len() as u64;
    tx.write_rows(ENTRY, rows, "").await?;
    Ok(count)
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

    fn written(effect: &str, minor: i64) -> Written {
        let legs = posting(effect, minor).legs().to_vec();
        let sums =
            legs.into_iter().map(|leg| ((leg.account, leg.money.currency()), leg.money.minor())).collect();
        Written::from([(effect.to_owned(), Effect { revisions: 1, kind: TransactionKind::Dividend, sums })])
    }

    /// Effect, revision, and what it adds to the holder's account.
    fn added(written: Written, postings: &[Posting]) -> Vec<(String, i64, i64)> {
        let movements = difference(written, postings, Timestamp::UNIX_EPOCH).unwrap();
        let of_holder = |movement: &Movement| {
            let mut legs = movement.legs.iter();
            *legs.find(|((account, _), _)| account.holder().is_some()).unwrap().1
        };
        movements.iter().map(|each| (each.effect.clone(), each.revision, of_holder(each))).collect()
    }

    #[test]
    fn only_what_is_not_written_yet_is_added() {
        for (before, after, expected) in [
            (Written::new(), vec![posting("a", 5)], vec![("a".to_owned(), 1, 5)]),
            (written("a", 5), vec![posting("a", 5)], vec![]),
            (written("a", 5), vec![posting("a", 7)], vec![("a".to_owned(), 2, 2)]),
            (written("a", 5), vec![posting("a", 0)], vec![("a".to_owned(), 2, -5)]),
            (written("a", 5), vec![posting("b", 1)], vec![("b".to_owned(), 1, 1), ("a".to_owned(), 2, -5)]),
            (written("a", 0), vec![], vec![]),
        ] {
            assert_eq!(added(before, &after), expected);
        }
    }

    #[test]
    fn what_does_not_balance_is_not_written() {
        let mut before = written("a", 5);
        before.get_mut("a").unwrap().sums.pop_first();
        assert!(matches!(
            difference(before, &[], Timestamp::UNIX_EPOCH),
            Err(Error::Ledger(Fault::Unbalanced { .. }))
        ));
    }
}
