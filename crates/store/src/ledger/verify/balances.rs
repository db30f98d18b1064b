//! Balances: the sums of entries, of which the receivable covers what would be below zero.

use std::collections::BTreeMap;

use ledger::{Bucket, LedgerAccount, TransactionKind};

use super::{PAGE, Place, Problem, Run};
use crate::database::{Row, Transaction, sql};
use crate::error::Error;
use crate::ledger::columns::parse_enum;
use crate::sums::sum_sql;

const HOLDERS: &str = "SELECT DISTINCT holder FROM ledger_entries WHERE holder > $1 ORDER BY holder LIMIT $2";
const SUMS: &str = concat!(
    "SELECT e.account, e.currency, e.holder, t.kind, ",
    sum_sql!("e.minor", "minor"),
    " FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id WHERE e.holder IN"
);
const SUMS_END: &str = " GROUP BY e.account, e.currency, e.holder, t.kind";
const STORED: &str = "SELECT account, currency, holder, balance_high, balance, cover, flow_high, flow FROM ledger_balances WHERE holder IN";
const EXTRA: &str = "SELECT DISTINCT b.holder FROM ledger_balances b WHERE NOT EXISTS \
    (SELECT 1 FROM ledger_entries e WHERE e.holder = b.holder)";

/// The balances of an account in a currency, by holder, account and currency.
pub(in crate::ledger) type Balances = BTreeMap<(String, String, String), Amounts>;

/// Amounts in smallest units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::ledger) struct Amounts {
    pub(in crate::ledger) balance: i128,
    pub(in crate::ledger) cover: i128,
    pub(in crate::ledger) flow: i128,
}

impl Run<'_, '_> {
    pub(super) async fn check_balances(&mut self) -> Result<(), Error> {
        for row in self.tx.fetch_all(sql!(EXTRA)).await? {
            let place = Place::LedgerBalances(row.text("holder")?);
            self.find(place, Problem::Extra, "the holder has balances and no entries");
        }
        let mut last = String::new();
        loop {
            let rows = self.tx.fetch_all(sql!(HOLDERS, &last, PAGE)).await?;
            let holders = rows.iter().map(|row| row.text("holder")).collect::<Result<Vec<_>, _>>()?;
            let Some(holder) = holders.last() else { return Ok(()) };
            last.clone_from(holder);
            self.check_holders(&holders).await?;
        }
    }

    async fn check_holders(&mut self, holders: &[String]) -> Result<(), Error> {
        let mut stored = stored(self.tx, holders).await?;
        for (key, sums) in sums(self.tx, holders).await? {
            let (holder, account, currency) = &key;
            let amounts = stored.remove(&key).unwrap_or_default();
            if amounts != sums {
                let detail = format!("{account} in {currency} has {amounts:?}, and its entries {sums:?}");
                self.find(Place::LedgerBalances(holder.clone()), Problem::Different, detail);
            } else if !is_covered(account, sums) {
                let detail = format!("{account} in {currency} is not covered by the receivable: {sums:?}");
                self.find(Place::LedgerBalances(holder.clone()), Problem::Different, detail);
            }
        }
        for ((holder, account, currency), amounts) in stored {
            if amounts != Amounts::default() {
                let detail = format!("{account} in {currency} has {amounts:?} and no entries");
                self.find(Place::LedgerBalances(holder), Problem::Extra, detail);
            }
        }
        Ok(())
    }
}

fn is_receivable(account: &str) -> bool {
    matches!(account.parse(), Ok(LedgerAccount::User(_, Bucket::Receivable)))
}

/// Whether exactly what is missing is covered.
fn is_covered(account: &str, Amounts { balance, cover, .. }: Amounts) -> bool {
    is_receivable(account) || cover == (cover - balance).max(0)
}

async fn stored(tx: &mut Transaction<'_>, holders: &[String]) -> Result<Balances, Error> {
    let rows = tx.fetch_in(sql!(STORED), holders, "").await?;
    rows.iter().map(|row| Ok((key(row)?, amounts(row)?))).collect()
}

fn amounts(row: &Row) -> Result<Amounts, Error> {
    Ok(Amounts { balance: row.wide("balance")?, cover: row.int("cover")?.into(), flow: row.wide("flow")? })
}

/// The sums of the entries of these holders.
pub(in crate::ledger) async fn sums(tx: &mut Transaction<'_>, holders: &[String]) -> Result<Balances, Error> {
    let mut balances = Balances::new();
    for row in tx.fetch_in(sql!(SUMS), holders, SUMS_END).await? {
        let key = key(&row)?;
        let minor = row.sum("minor")?;
        // A changed kind is a finding of its transaction.
        let kind: Option<TransactionKind> = parse_enum(&row, "kind").ok();
        let covers = kind == Some(TransactionKind::Shortfall) && !is_receivable(&key.1);
        let amounts = balances.entry(key).or_default();
        amounts.balance += minor;
        amounts.cover += if covers { minor } else { 0 };
        amounts.flow += if kind.is_some_and(TransactionKind::is_flow) { minor } else { 0 };
    }
    Ok(balances)
}

fn key(row: &Row) -> Result<(String, String, String), Error> {
    Ok((row.text("holder")?, row.text("account")?, row.text("currency")?))
}
