//! The balance of each account of a holder, and the receivable that keeps it from going below zero.

use domain::{Currency, ExternalId, Money};
use jiff::Timestamp;
use ledger::{Bucket, LedgerAccount};

use super::batch::Batch;
use super::deltas::{Deltas, out_of_range};
use super::journal::{self, PostingSet};
use super::verify::{Amounts, sums};
use crate::database::{Row, Transaction, Value, sql, values};
use crate::error::Error;

const CHANGE: &str = "INSERT INTO ledger_balances (account, currency, holder, balance, cover, flow) VALUES ";
/// The row stays locked until the transaction ends.
const CHANGE_END: &str = " ON CONFLICT (account, currency) DO UPDATE SET \
    balance = ledger_balances.balance + excluded.balance, cover = ledger_balances.cover + excluded.cover, \
    flow = ledger_balances.flow + excluded.flow \
    RETURNING account, currency, balance, cover";

struct Balance {
    holder: ExternalId,
    bucket: Bucket,
    currency: Currency,
    balance: i64,
    cover: i64,
}

/// Changes the balances, and covers negative ones from the receivables of their holders.
pub(super) async fn settle(
    tx: &mut Transaction<'_>,
    deltas: Deltas,
    now: Timestamp,
    batch: &mut Batch,
) -> Result<(), Error> {
    for balance in change(tx, deltas).await? {
        cover(tx, &balance, now, batch).await?;
    }
    Ok(())
}

/// Sets the balances of these holders to the sums of their entries, and covers negative ones.
pub(super) async fn restore(
    tx: &mut Transaction<'_>,
    holders: &[String],
    now: Timestamp,
    batch: &mut Batch,
) -> Result<(), Error> {
    let mut rows: Vec<Vec<Value>> = Vec::new();
    for ((holder, account, currency), Amounts { balance, cover, flow }) in sums(tx, holders).await? {
        let [balance, cover, flow] = [balance, cover, flow].map(i64::try_from);
        let out_of_range = |_| out_of_range();
        let (balance, cover) = (balance.map_err(out_of_range)?, cover.map_err(out_of_range)?);
        rows.push(values![account, currency, holder, balance, cover, flow.map_err(out_of_range)?]);
    }
    for holder in holders {
        tx.execute(sql!("DELETE FROM ledger_balances WHERE holder = $1", holder)).await?;
    }
    let restored = tx.insert_rows(CHANGE, rows, CHANGE_END).await?;
    for row in restored {
        cover(tx, &balance(&row)?, now, batch).await?;
    }
    Ok(())
}

async fn change(tx: &mut Transaction<'_>, deltas: Deltas) -> Result<Vec<Balance>, Error> {
    let deltas = deltas.0.into_iter().filter(|(_, delta)| delta.balance != 0 || delta.flow != 0);
    let rows: Vec<Vec<Value>> = deltas
        .map(|((holder, bucket, currency), delta)| {
            let name = holder.to_string();
            let account = LedgerAccount::User(holder, bucket).to_string();
            values![account, currency.as_str(), name, delta.balance, delta.cover, delta.flow]
        })
        .collect();
    tx.insert_rows(CHANGE, rows, CHANGE_END).await?.iter().map(balance).collect()
}

fn balance(row: &Row) -> Result<Balance, Error> {
    let LedgerAccount::User(holder, bucket) = row.parsed("account")? else {
        return Err(Error::decode("account"));
    };
    let currency = row.parsed("currency")?;
    Ok(Balance { holder, bucket, currency, balance: row.int("balance")?, cover: row.int("cover")? })
}

async fn cover(
    tx: &mut Transaction<'_>,
    balance: &Balance,
    now: Timestamp,
    batch: &mut Batch,
) -> Result<(), Error> {
    let Balance { holder, bucket, currency, balance, cover } = balance;
    let uncovered = Money::from_minor(balance.checked_sub(*cover).ok_or_else(out_of_range)?, *currency);
    let posting = ledger::shortfall(holder, *bucket, uncovered, now)?;
    if posting.legs().is_empty() && *cover == 0 {
        return Ok(());
    }
    let (subject, postings) = (format!("shortfall/{holder}"), [posting]);
    let effects = journal::effects(tx, &subject, &[postings[0].effect()]).await?;
    let mut deltas = Deltas::default();
    let set = PostingSet { subject: &subject, effects, postings: &postings };
    journal::write(tx, vec![set], now, (&mut deltas, batch)).await?;
    change(tx, deltas.with_cover()).await.map(drop)
}
