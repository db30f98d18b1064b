//! What lies on each account of a holder, and what keeps it from going below zero.

use std::collections::BTreeMap;

use domain::{Currency, ExternalId, Money, MoneyError};
use jiff::Timestamp;
use ledger::{Bucket, Fault, LedgerAccount, TransactionKind};

use super::journal::{self, Due};
use crate::database::{Row, Transaction, Value, values};
use crate::error::Error;

const CHANGE: &str =
    "INSERT INTO ledger_balances (account, currency, holder, balance, covered, flow) VALUES ";
/// The row stays locked until the transaction ends.
const CHANGE_END: &str = " ON CONFLICT (account, currency) DO UPDATE SET \
    balance = ledger_balances.balance + excluded.balance, covered = ledger_balances.covered + excluded.covered, \
    flow = ledger_balances.flow + excluded.flow \
    RETURNING account, currency, balance, covered";

/// What movements change on the accounts of holders. Accounts of ours have no row: every transaction would wait for it.
#[derive(Debug, Default)]
pub(super) struct Deltas(BTreeMap<(ExternalId, Bucket, Currency), Delta>);

#[derive(Clone, Copy, Debug, Default)]
struct Delta {
    balance: i64,
    covered: i64,
    flow: i64,
}

/// A balance as it now is.
struct Balance {
    holder: ExternalId,
    bucket: Bucket,
    currency: Currency,
    balance: i64,
    covered: i64,
}

impl Deltas {
    /// Notes an entry of a movement of this kind.
    pub(super) fn add(
        &mut self,
        account: &LedgerAccount,
        currency: Currency,
        minor: i64,
        kind: TransactionKind,
    ) -> Result<(), Error> {
        let LedgerAccount::User(holder, bucket) = account else { return Ok(()) };
        let delta = self.0.entry((holder.clone(), *bucket, currency)).or_default();
        delta.balance = delta.balance.checked_add(minor).ok_or_else(too_large)?;
        if kind.is_flow() {
            delta.flow = delta.flow.checked_add(minor).ok_or_else(too_large)?;
        }
        Ok(())
    }

    /// All of it came from the receivable, or went there.
    fn covered(mut self) -> Self {
        for ((_, bucket, _), delta) in &mut self.0 {
            delta.covered = if *bucket == Bucket::Receivable { 0 } else { delta.balance };
        }
        self
    }
}

fn too_large() -> Error {
    Error::Ledger(Fault::Money(MoneyError::OutOfRange))
}

/// Changes the balances and moves what is missing on them from the receivables of their holders. Gives the number of
/// entries that took.
pub(super) async fn settle(tx: &mut Transaction<'_>, deltas: Deltas, now: Timestamp) -> Result<u64, Error> {
    let mut entries = 0;
    for balance in change(tx, deltas).await? {
        entries += cover(tx, &balance, now).await?;
    }
    Ok(entries)
}

async fn change(tx: &mut Transaction<'_>, deltas: Deltas) -> Result<Vec<Balance>, Error> {
    let rows = deltas.0.into_iter().filter(|(_, delta)| delta.balance != 0 || delta.flow != 0);
    let rows: Vec<Vec<Value>> = rows
        .map(|((holder, bucket, currency), delta)| {
            let name = holder.to_string();
            let account = LedgerAccount::User(holder, bucket).to_string();
            values![account, currency.as_str(), name, delta.balance, delta.covered, delta.flow]
        })
        .collect();
    let rows = tx.write_rows_returning(CHANGE, rows, CHANGE_END).await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Balance, Error> {
    let LedgerAccount::User(holder, bucket) = row.parsed("account")? else {
        return Err(Error::unreadable("account"));
    };
    let currency = row.parsed("currency")?;
    Ok(Balance { holder, bucket, currency, balance: row.int("balance")?, covered: row.int("covered")? })
}

async fn cover(tx: &mut Transaction<'_>, balance: &Balance, now: Timestamp) -> Result<u64, Error> {
    let Balance { holder, bucket, currency, balance, covered } = balance;
    let raw = Money::from_minor(balance.checked_sub(*covered).ok_or_else(too_large)?, *currency);
    let posting = ledger::shortfall(holder, *bucket, raw, now)?;
    if posting.legs().is_empty() && *covered == 0 {
        return Ok(0);
    }
    let (subject, postings) = (format!("shortfall/{holder}"), [posting]);
    let written = journal::named(tx, &subject, &[postings[0].effect()]).await?;
    let mut deltas = Deltas::default();
    let due = Due { subject: &subject, written, postings: &postings };
    let entries = journal::write(tx, vec![due], now, &mut deltas).await?;
    change(tx, deltas.covered()).await?;
    Ok(entries)
}
