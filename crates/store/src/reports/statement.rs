//! The entries of accounts in a period, in the order in which they took effect, between the balances before and after it.

use std::collections::BTreeMap;

use domain::Currency;
use jiff::Timestamp;

use super::row::Cell;
use super::{Output, Stop};
use crate::database::Transaction;
use crate::error::Error;
use crate::ledger::{AccountFilter, EntryFilter, LedgerEntry, account_names, entries_page, sums_before};

pub(super) const COLUMNS: [&str; 10] =
    ["account", "currency", "row", "at", "posted_at", "kind", "subject", "effect", "amount", "balance"];
/// Most entries of one account in the period: they are sorted in memory.
const ENTRIES_MAX: usize = 100_000;
/// Accounts of a holder: each has at most one for each bucket.
const ACCOUNTS_MAX: u32 = 100;

pub(super) async fn write(
    tx: &mut Transaction<'_>,
    filter: &EntryFilter,
    output: &mut Output,
) -> Result<(), Stop> {
    for account in account_names(tx, filter.account.as_ref(), "", ACCOUNTS_MAX).await? {
        let name = AccountFilter::Account(account.parse().map_err(|_| Error::decode("account"))?);
        let filter = EntryFilter { account: Some(name), ..filter.clone() };
        write_account(tx, &account, &filter, output).await?;
    }
    Ok(())
}

async fn write_account(
    tx: &mut Transaction<'_>,
    account: &str,
    filter: &EntryFilter,
    output: &mut Output,
) -> Result<(), Stop> {
    let mut currencies: BTreeMap<Currency, (i128, Vec<LedgerEntry>)> = BTreeMap::new();
    if filter.from.is_some() {
        for sum in sums_before(tx, account, filter.moment, filter.from).await? {
            let balance = sum.balance();
            currencies.entry(balance.currency()).or_default().0 = balance.minor();
        }
    }
    for entry in entries(tx, filter).await? {
        currencies.entry(entry.money.currency()).or_default().1.push(entry);
    }
    for (currency, (mut balance, entries)) in currencies {
        let ends = (account, currency);
        output.add(end(ends, "opening", filter.from, balance)?).await?;
        for entry in entries {
            balance += i128::from(entry.money.minor());
            output.add(line(&entry, balance)?).await?;
        }
        output.add(end(ends, "closing", filter.before.or(filter.moment.as_of), balance)?).await?;
    }
    Ok(())
}

/// All entries of the period, in the order in which they took effect.
async fn entries(tx: &mut Transaction<'_>, filter: &EntryFilter) -> Result<Vec<LedgerEntry>, Error> {
    let mut entries: Vec<LedgerEntry> = Vec::new();
    loop {
        let page = entries_page(tx, filter, entries.last().map(|entry| entry.id)).await?;
        if page.is_empty() {
            break;
        }
        entries.extend(page);
        if entries.len() > ENTRIES_MAX {
            return Err(Error::TooManyRows { max: ENTRIES_MAX });
        }
    }
    entries.sort_unstable_by_key(|entry| (entry.at, entry.id));
    Ok(entries)
}

fn end(
    (account, currency): (&str, Currency),
    row: &str,
    at: Option<Timestamp>,
    balance: i128,
) -> Result<Vec<Cell>, Error> {
    Ok(vec![
        Cell::text(account),
        Cell::text(currency),
        Cell::text(row),
        Cell::optional(at),
        Cell::Empty,
        Cell::Empty,
        Cell::Empty,
        Cell::Empty,
        Cell::Empty,
        Cell::total(balance, currency)?,
    ])
}

fn line(entry: &LedgerEntry, balance: i128) -> Result<Vec<Cell>, Error> {
    let LedgerEntry { subject, effect, kind, at, posted_at, account, money, .. } = entry;
    Ok(vec![
        Cell::text(account),
        Cell::currency(Some(*money)),
        Cell::text("entry"),
        Cell::text(at),
        Cell::text(posted_at),
        Cell::text(kind),
        Cell::text(subject),
        Cell::text(effect),
        Cell::money(Some(*money)),
        Cell::total(balance, money.currency())?,
    ])
}
