//! Debits, credits and balance of each account in each currency, and of all accounts.

use std::collections::BTreeMap;

use domain::Currency;

use super::row::Cell;
use super::{Output, Stop};
use crate::database::Transaction;
use crate::ledger::{AccountSum, EntryFilter, account_sums};

pub(super) const COLUMNS: [&str; 5] = ["account", "currency", "debits", "credits", "balance"];
/// The name of the last rows.
const TOTAL: &str = "total";
/// Accounts of one page.
const ACCOUNTS: u32 = 500;

pub(super) async fn write(
    tx: &mut Transaction<'_>,
    filter: &EntryFilter,
    output: &mut Output,
) -> Result<(), Stop> {
    let mut totals: BTreeMap<Currency, (i128, i128)> = BTreeMap::new();
    let mut after = None;
    loop {
        let of = (filter.account.as_ref(), filter.moment);
        let page = account_sums(tx, of, after.as_deref(), ACCOUNTS).await?;
        for AccountSum { account, debits, credits } in page.sums {
            let total = totals.entry(debits.currency()).or_default();
            *total = (total.0 + debits.minor(), total.1 + credits.minor());
            add(output, &account, debits.currency(), (debits.minor(), credits.minor())).await?;
        }
        after = page.next_after;
        if after.is_none() {
            break;
        }
    }
    for (currency, sums) in totals {
        add(output, TOTAL, currency, sums).await?;
    }
    Ok(())
}

async fn add(
    output: &mut Output,
    account: &str,
    currency: Currency,
    (debits, credits): (i128, i128),
) -> Result<(), Stop> {
    let amounts = [debits, credits, debits - credits].map(|minor| Cell::total(minor, currency));
    let [debits, credits, balance] = amounts;
    output.add(vec![Cell::text(account), Cell::text(currency), debits?, credits?, balance?]).await
}
