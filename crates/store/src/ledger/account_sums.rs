//! Debits and credits of accounts, in any state of the books, page by page.

use std::collections::BTreeSet;

use domain::{Currency, Total};

use super::entry_filter::{AccountFilter, named};
use super::moment::Moment;
use crate::database::{Row, Statement, Transaction, sql};
use crate::error::Error;
use crate::sums::sum_sql;

/// Every account costs one look into the index, however many entries it has.
const ALL: &str =
    "WITH RECURSIVE accounts(account) AS (SELECT MIN(account) FROM ledger_entries WHERE account > ";
const ALL_END: &str = " \
    UNION ALL SELECT (SELECT MIN(e.account) FROM ledger_entries e WHERE e.account > a.account) FROM accounts a \
    WHERE a.account IS NOT NULL) SELECT account FROM accounts WHERE account IS NOT NULL LIMIT ";
const OF_HOLDERS: &str = "SELECT DISTINCT account FROM ledger_entries WHERE account > ";
const SUMS: &str = concat!(
    "SELECT e.account, e.currency, ",
    sum_sql!("(CASE WHEN e.minor > 0 THEN e.minor ELSE 0 END)", "debits"),
    ", ",
    sum_sql!("(CASE WHEN e.minor < 0 THEN e.minor ELSE 0 END)", "credits"),
    " FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id WHERE TRUE"
);
const SUMS_END: &str = " GROUP BY e.account, e.currency ORDER BY e.account, e.currency";

/// The sums of an account in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AccountSum {
    /// The account.
    pub account: String,
    /// The sum of its entries above zero.
    pub debits: Total,
    /// The sum of its entries below zero, as a positive number.
    pub credits: Total,
}

impl AccountSum {
    /// Debits less credits.
    #[must_use]
    pub(crate) fn balance(&self) -> Total {
        Total::from_minor(self.debits.minor() - self.credits.minor(), self.debits.currency())
    }
}

/// A page of sums.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AccountSumPage {
    /// By account and currency.
    pub sums: Vec<AccountSum>,
    /// The `after` of the next page; `None` at the end.
    pub next_after: Option<String>,
}

pub(crate) async fn page(
    tx: &mut Transaction<'_>,
    (filter, moment): (Option<&AccountFilter>, Moment),
    after: Option<&str>,
    limit: u32,
) -> Result<AccountSumPage, Error> {
    let names = names(tx, filter, after.unwrap_or_default(), limit).await?;
    let next_after = names.last().filter(|_| names.len() == limit as usize).cloned();
    Ok(AccountSumPage { sums: sums(tx, &names, moment.push_transactions(sql!(SUMS))).await?, next_after })
}

/// The sums of these accounts before a time, or of all times.
pub(crate) async fn before(
    tx: &mut Transaction<'_>,
    account: &str,
    moment: Moment,
    before: Option<jiff::Timestamp>,
) -> Result<Vec<AccountSum>, Error> {
    let select = moment.push_transactions(sql!(SUMS)).push_optional(" AND t.at < ", before);
    sums(tx, &[account.to_owned()], select).await
}

/// The sums of these accounts, of all times.
pub(super) async fn latest(tx: &mut Transaction<'_>, accounts: &[String]) -> Result<Vec<AccountSum>, Error> {
    sums(tx, accounts, sql!(SUMS)).await
}

/// The names of accounts that have entries, in order.
pub(crate) async fn names(
    tx: &mut Transaction<'_>,
    filter: Option<&AccountFilter>,
    after: &str,
    limit: u32,
) -> Result<Vec<String>, Error> {
    let select = |holders| select_names(sql!(""), holders, after, limit);
    let select = match filter {
        None => select(None),
        Some(AccountFilter::Holder(holder)) => select(Some(&BTreeSet::from([holder.to_string()]))),
        Some(AccountFilter::Holders(holders)) => select(Some(holders)),
        Some(AccountFilter::Account(account)) => {
            return Ok(Some(account.to_string()).filter(|_| after.is_empty()).into_iter().collect());
        }
    };
    tx.fetch_all(select).await?.iter().map(|row| row.text("account")).collect()
}

/// Adds the selection of the names of accounts that have entries.
pub(super) fn select_names(
    statement: Statement,
    holders: Option<&BTreeSet<String>>,
    after: &str,
    limit: u32,
) -> Statement {
    let select = match holders {
        None => statement.push_sql(ALL).push_value(after).push_sql(ALL_END),
        Some(holders) => statement
            .push_sql(OF_HOLDERS)
            .push_value(after)
            .push_sql(" AND holder IN")
            .push_in(named(holders))
            .push_sql(" ORDER BY account LIMIT "),
    };
    select.push_value(limit)
}

async fn sums(
    tx: &mut Transaction<'_>,
    accounts: &[String],
    select: Statement,
) -> Result<Vec<AccountSum>, Error> {
    let rows = tx.fetch_in(select.push_sql(" AND e.account IN"), accounts, SUMS_END).await?;
    rows.iter().map(sum).collect()
}

fn sum(row: &Row) -> Result<AccountSum, Error> {
    let currency: Currency = row.parsed("currency")?;
    Ok(AccountSum {
        account: row.text("account")?,
        debits: Total::from_minor(row.sum("debits")?, currency),
        credits: Total::from_minor(-row.sum("credits")?, currency),
    })
}
