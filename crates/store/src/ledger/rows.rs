//! What is kept of each subject: one row, or a position with its orders and executions.

mod holding;

use ledger::{Account, CashEntry, Row, Rules, Transfer};

use super::subject::Folded;
use super::words::{optional_word, word};
use crate::database::{Transaction, Value, values};
use crate::error::Error;

pub(super) use holding::known as known_holding;

const ACCOUNT: &str =
    "INSERT INTO provider_accounts (account, user_id, status, status_at, registered_at) VALUES ";
const ACCOUNT_END: &str = " ON CONFLICT (account) DO UPDATE SET status = excluded.status, \
    status_at = excluded.status_at, registered_at = excluded.registered_at";

const TRANSFER: &str = "INSERT INTO transfers (id, account, direction, amount, currency, status, booking, settled_at, \
    returned_at, last_at, stash_ratio) VALUES ";
const TRANSFER_END: &str = " ON CONFLICT (id) DO UPDATE SET account = excluded.account, \
    direction = excluded.direction, amount = excluded.amount, currency = excluded.currency, \
    status = excluded.status, booking = excluded.booking, settled_at = excluded.settled_at, \
    returned_at = excluded.returned_at, last_at = excluded.last_at";

const CASH_ENTRY: &str = "INSERT INTO cash_entries (id, account, kind, amount, currency, standing, booking, \
    superseded_by, at, last_at, stash_ratio) VALUES ";
const CASH_ENTRY_END: &str = " ON CONFLICT (id) DO UPDATE SET account = excluded.account, kind = excluded.kind, \
    amount = excluded.amount, currency = excluded.currency, standing = excluded.standing, \
    booking = excluded.booking, superseded_by = excluded.superseded_by, at = excluded.at, \
    last_at = excluded.last_at";

/// Writes what is kept of each subject, in as few statements as there are tables.
pub(super) async fn write(tx: &mut Transaction<'_>, folded: &[Folded]) -> Result<(), Error> {
    let (mut accounts, mut transfers, mut cash_entries) = (Vec::new(), Vec::new(), Vec::new());
    let mut holdings = holding::Unwritten::default();
    for Folded { state, rules, .. } in folded {
        match &state.row {
            Row::Account(row) => accounts.push(of_account(row)?),
            Row::Transfer(row) => transfers.push(of_transfer(row, rules)?),
            Row::Holding(row) => holdings.add(row)?,
            Row::CashEntry(row) => cash_entries.push(of_cash_entry(row, rules)?),
        }
    }
    tx.write_rows(ACCOUNT, accounts, ACCOUNT_END).await?;
    tx.write_rows(TRANSFER, transfers, TRANSFER_END).await?;
    tx.write_rows(CASH_ENTRY, cash_entries, CASH_ENTRY_END).await?;
    holdings.write(tx).await
}

fn of_account(row: &Account) -> Result<Vec<Value>, Error> {
    let Account { id, status, status_at, registered_at } = row;
    Ok(values![id.to_string(), id.to_string(), word(status)?, *status_at, *registered_at])
}

fn of_transfer(row: &Transfer, rules: &Rules) -> Result<Vec<Value>, Error> {
    let Transfer { id, account, direction, amount, status, booking, settled_at, returned_at, last_at } = row;
    Ok(values![
        id.to_string(),
        account.as_ref().map(ToString::to_string),
        optional_word(*direction)?,
        amount.map(domain::Money::minor),
        amount.map(|amount| amount.currency().as_str()),
        word(status)?,
        word(booking)?,
        *settled_at,
        *returned_at,
        *last_at,
        rules.stash_ratio.get().to_string(),
    ])
}

fn of_cash_entry(row: &CashEntry, rules: &Rules) -> Result<Vec<Value>, Error> {
    let CashEntry { id, what, superseded_by, last_at } = row;
    let what = what.as_ref();
    Ok(values![
        id.to_string(),
        what.map(|what| what.account.to_string()),
        optional_word(what.map(|what| what.kind))?,
        what.map(|what| what.amount.minor()),
        what.map(|what| what.amount.currency().as_str()),
        optional_word(what.map(|what| what.standing))?,
        optional_word(what.map(|what| what.booking))?,
        superseded_by.as_ref().map(ToString::to_string),
        what.map(|what| what.at),
        *last_at,
        rules.stash_ratio.get().to_string(),
    ])
}
