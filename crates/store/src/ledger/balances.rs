//! The balance of each account of a holder, and the receivable that keeps it from going below zero.

use std::collections::BTreeSet;

use domain::{Currency, ExternalId, Money};
use jiff::Timestamp;
use ledger::{Bucket, LedgerAccount};

use super::batch::Batch;
use super::deltas::{Delta, Deltas, out_of_range};
use super::journal::{self, PostingSet};
use super::verify::{self, Amounts};
use crate::database::{Row, Transaction, Value, sql, values};
use crate::error::Error;
use crate::sums::{self, HIGH};

const CHANGE: &str = "INSERT INTO ledger_balances \
    (account, currency, holder, balance_high, balance, cover, flow_high, flow) VALUES ";
/// The row stays locked until the transaction ends.
const CHANGE_END: &str = " ON CONFLICT (account, currency) DO UPDATE SET \
    balance_high = ledger_balances.balance_high + excluded.balance_high, \
    balance = ledger_balances.balance + excluded.balance, cover = ledger_balances.cover + excluded.cover, \
    flow_high = ledger_balances.flow_high + excluded.flow_high, flow = ledger_balances.flow + excluded.flow \
    RETURNING account, currency, balance_high, balance, cover, flow_high, flow";
/// Two numbers below [`HIGH`] fit a column together, and three would in the end not.
const CARRY: &str = "UPDATE ledger_balances SET balance_high = $3, balance = $4, flow_high = $5, flow = $6 \
    WHERE account = $1 AND currency = $2";

struct Balance {
    holder: ExternalId,
    bucket: Bucket,
    currency: Currency,
    balance: i128,
    cover: i128,
}

/// Changes the balances, and covers negative ones from the receivables of their holders.
pub(super) async fn settle(
    tx: &mut Transaction<'_>,
    deltas: Deltas,
    now: Timestamp,
    batch: &mut Batch,
) -> Result<(), Error> {
    let balances = change(tx, deltas).await?;
    cover(tx, &balances, now, batch).await
}

/// Sets the balances of these holders to the sums of their entries, and covers negative ones.
pub(super) async fn restore(
    tx: &mut Transaction<'_>,
    holders: &[String],
    now: Timestamp,
    batch: &mut Batch,
) -> Result<(), Error> {
    let mut rows: Vec<Vec<Value>> = Vec::new();
    for ((holder, account, currency), Amounts { balance, cover, flow }) in verify::sums(tx, holders).await? {
        let (balance_high, balance) = sums::columns(balance)?;
        let (flow_high, flow) = sums::columns(flow)?;
        let cover = i64::try_from(cover).map_err(|_| out_of_range())?;
        rows.push(values![account, currency, holder, balance_high, balance, cover, flow_high, flow]);
    }
    for holder in holders {
        tx.execute(sql!("DELETE FROM ledger_balances WHERE holder = $1", holder)).await?;
    }
    let restored = tx.insert_rows(CHANGE, rows, CHANGE_END).await?;
    let balances = restored.iter().map(balance).collect::<Result<Vec<_>, _>>()?;
    cover(tx, &balances, now, batch).await
}

async fn change(tx: &mut Transaction<'_>, deltas: Deltas) -> Result<Vec<Balance>, Error> {
    let deltas = deltas.0.into_iter().filter(|(_, delta)| delta.balance != 0 || delta.flow != 0);
    let row = |((holder, bucket, currency), delta): (_, Delta)| {
        let (balance_high, balance) = sums::columns(delta.balance)?;
        let (flow_high, flow) = sums::columns(delta.flow)?;
        let cover = i64::try_from(delta.cover).map_err(|_| out_of_range())?;
        let name = ExternalId::to_string(&holder);
        let account = LedgerAccount::User(holder, bucket).to_string();
        let currency = Currency::as_str(currency);
        Ok(values![account, currency, name, balance_high, balance, cover, flow_high, flow])
    };
    let rows: Vec<Vec<Value>> = deltas.map(row).collect::<Result<_, Error>>()?;
    let rows = tx.insert_rows(CHANGE, rows, CHANGE_END).await?;
    for row in &rows {
        carry(tx, row).await?;
    }
    rows.iter().map(balance).collect()
}

/// Writes a row again whose columns have grown to [`HIGH`] or more.
async fn carry(tx: &mut Transaction<'_>, row: &Row) -> Result<(), Error> {
    let is_large = |column| Ok::<bool, Error>(i128::from(row.int(column)?).abs() >= HIGH);
    if !is_large("balance")? && !is_large("flow")? {
        return Ok(());
    }
    let (balance_high, balance) = sums::columns(row.wide("balance")?)?;
    let (flow_high, flow) = sums::columns(row.wide("flow")?)?;
    let (account, currency) = (row.text("account")?, row.text("currency")?);
    let carry = sql!(CARRY, account, currency, balance_high, balance, flow_high, flow);
    tx.execute(carry).await.map(drop)
}

fn balance(row: &Row) -> Result<Balance, Error> {
    let LedgerAccount::User(holder, bucket) = row.parsed("account")? else {
        return Err(Error::decode("account"));
    };
    let currency = row.parsed("currency")?;
    Ok(Balance { holder, bucket, currency, balance: row.wide("balance")?, cover: row.int("cover")?.into() })
}

/// Covers what the balances lack, and takes back what they no longer need.
async fn cover(
    tx: &mut Transaction<'_>,
    balances: &[Balance],
    now: Timestamp,
    batch: &mut Batch,
) -> Result<(), Error> {
    let mut postings = Vec::new();
    for Balance { holder, bucket, currency, balance, cover } in balances {
        // An entry has 64 bits: what is missing beyond them is owed and not covered.
        let uncovered = (balance - cover).clamp(-i128::from(i64::MAX), i64::MAX.into());
        let uncovered = Money::from_minor(i64::try_from(uncovered).map_err(|_| out_of_range())?, *currency);
        let posting = ledger::shortfall(holder, *bucket, uncovered, now)?;
        if !posting.legs().is_empty() || *cover != 0 {
            postings.push((format!("shortfall/{holder}"), posting));
        }
    }
    let keys: BTreeSet<(&str, &str)> =
        postings.iter().map(|(subject, posting)| (subject.as_str(), posting.effect())).collect();
    let mut by_subject = journal::effects(tx, &keys).await?;
    let mut sets = Vec::with_capacity(postings.len());
    for (subject, posting) in &postings {
        let stored = by_subject.get_mut(subject).and_then(|effects| effects.remove_entry(posting.effect()));
        sets.push(PostingSet {
            subject,
            postings: std::slice::from_ref(posting),
            effects: stored.into_iter().collect(),
            changed_from: now,
        });
    }
    let mut deltas = Deltas::default();
    journal::write(tx, sets, now, (&mut deltas, batch)).await?;
    change(tx, deltas.with_cover()).await.map(drop)
}
