//! The journal: movements that are added and never changed. What an effect comes to is the sum of its revisions.

use std::collections::BTreeMap;

use domain::{Currency, MoneyError};
use jiff::Timestamp;
use ledger::{Fault, LedgerAccount, Posting, TransactionKind};

use super::Scope;
use super::balances::Deltas;
use crate::database::{Row, Statement, Transaction, Value, many, values};
use crate::error::Error;

/// Rows of one statement.
const ROWS_MAX: usize = 64;

const SUMS: &str = "SELECT t.effect, e.account, e.currency, CAST(SUM(e.minor) AS BIGINT) AS minor, \
    MAX(t.revision) AS revision, MAX(t.kind) AS kind \
    FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id WHERE t.subject = ";
const GROUPED: &str = " GROUP BY t.effect, e.account, e.currency";

const TRANSACTION: &str =
    "INSERT INTO ledger_transactions (subject, effect, revision, kind, at, posted_at) VALUES ";
const TRANSACTION_COLUMNS: usize = 6;
const ENTRY: &str = "INSERT INTO ledger_entries (transaction_id, account, holder, currency, minor) VALUES ";
const ENTRY_COLUMNS: usize = 5;

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

/// What stands in the journal of a subject: of all its effects, or of those that the postings name.
pub(super) async fn written(
    tx: &mut Transaction<'_>,
    subject: &str,
    postings: &[Posting],
    scope: Scope,
) -> Result<Written, Error> {
    let mut written = Written::new();
    match scope {
        Scope::Whole => read(tx, subject, &[], &mut written).await?,
        Scope::Named => {
            for postings in postings.chunks(ROWS_MAX) {
                read(tx, subject, postings, &mut written).await?;
            }
        }
    }
    Ok(written)
}

async fn read(
    tx: &mut Transaction<'_>,
    subject: &str,
    named: &[Posting],
    written: &mut Written,
) -> Result<(), Error> {
    let mut statement = Statement::new(SUMS);
    statement.value(subject);
    for (place, posting) in named.iter().enumerate() {
        statement.words(if place == 0 { " AND t.effect IN (" } else { ", " }).value(posting.effect());
    }
    statement.words(if named.is_empty() { "" } else { ")" }).words(GROUPED);
    let (sql, values) = statement.finish();
    for row in tx.rows_made(sql, values).await? {
        let (kind, revision) = (row.parsed("kind")?, row.int("revision")?);
        let none = Effect { revisions: 0, kind, sums: Sums::new() };
        let effect = written.entry(row.text("effect")?).or_insert(none);
        effect.revisions = effect.revisions.max(revision);
        effect.sums.insert((row.parsed("account")?, row.parsed("currency")?), row.int("minor")?);
    }
    Ok(())
}

/// Adds what the postings say less what is written, and notes what that changes on the accounts of holders. An effect that
/// is written and not posted has come to nothing. Gives the number of entries.
pub(super) async fn write(
    tx: &mut Transaction<'_>,
    subject: &str,
    written: Written,
    postings: &[Posting],
    now: Timestamp,
    deltas: &mut Deltas,
) -> Result<u64, Error> {
    let movements = difference(written, postings, now)?;
    let ids = transactions(tx, subject, &movements, now).await?;
    entries(tx, &ids, &movements).await?;
    for movement in &movements {
        for ((account, currency), minor) in &movement.legs {
            deltas.add(account, *currency, *minor, movement.kind)?;
        }
    }
    Ok(movements.iter().map(|movement| movement.legs.len() as u64).sum())
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

/// Writes the heads of the movements and gives their ids by effect.
async fn transactions(
    tx: &mut Transaction<'_>,
    subject: &str,
    movements: &[Movement],
    now: Timestamp,
) -> Result<BTreeMap<String, i64>, Error> {
    let mut ids = BTreeMap::new();
    for movements in movements.chunks(ROWS_MAX) {
        let sql = many(
            tx.backend(),
            TRANSACTION,
            movements.len(),
            TRANSACTION_COLUMNS,
            "",
            " RETURNING id, effect",
        );
        let of = |movement: &Movement| {
            let Movement { effect, revision, kind, at, legs: _ } = movement;
            values![subject, effect, *revision, kind.as_str(), *at, now]
        };
        let rows: Vec<Row> = tx.rows_made(sql, movements.iter().flat_map(of).collect()).await?;
        for row in rows {
            ids.insert(row.text("effect")?, row.int("id")?);
        }
    }
    Ok(ids)
}

async fn entries(
    tx: &mut Transaction<'_>,
    ids: &BTreeMap<String, i64>,
    movements: &[Movement],
) -> Result<(), Error> {
    let mut rows: Vec<Vec<Value>> = Vec::new();
    for movement in movements {
        let id = *ids.get(&movement.effect).ok_or_else(|| Error::unreadable("effect"))?;
        for ((account, currency), minor) in &movement.legs {
            let holder = account.holder().map(ToString::to_string);
            rows.push(values![id, account.to_string(), holder, currency.as_str(), *minor]);
        }
    }
    for rows in rows.chunks(ROWS_MAX) {
        let sql = many(tx.backend(), ENTRY, rows.len(), ENTRY_COLUMNS, "", "");
        tx.execute_made(sql, rows.concat()).await?;
    }
    Ok(())
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
