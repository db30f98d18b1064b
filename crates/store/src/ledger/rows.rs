//! The rows of each subject: one row, or a position with its orders and executions.

mod holding;
mod stored;

use ledger::{Account, CashEntry, Row, Rules, Transfer};

use super::SubjectState;
use super::columns::{enum_name, optional_enum_name};
use crate::database::{Transaction, Value, values};
use crate::error::Error;

pub(super) use holding::{FactsByHolding, find as find_holdings, find_elsewhere, parked_elsewhere};
pub(super) use stored::{StoredRows, folded_rows, stored_ratio};

const ACCOUNT: &str =
    "INSERT INTO provider_accounts (account, user_id, status, status_at, registered_at) VALUES ";
const ACCOUNT_END: &str = " ON CONFLICT (account) DO UPDATE SET status = excluded.status, \
    status_at = excluded.status_at, registered_at = excluded.registered_at";

const TRANSFER: &str = "INSERT INTO transfers (id, account, direction, amount, currency, status, posting_mode, settled_at, \
    returned_at, last_at, coin_transaction, coin_side, stash_ratio) VALUES ";
const TRANSFER_END: &str = " ON CONFLICT (id) DO UPDATE SET account = excluded.account, \
    direction = excluded.direction, amount = excluded.amount, currency = excluded.currency, \
    status = excluded.status, posting_mode = excluded.posting_mode, settled_at = excluded.settled_at, \
    returned_at = excluded.returned_at, last_at = excluded.last_at, \
    coin_transaction = excluded.coin_transaction, coin_side = excluded.coin_side";

const CASH_ENTRY: &str = "INSERT INTO cash_entries (id, account, kind, amount, currency, status, posting_mode, \
    superseded_by, at, last_at, stash_ratio) VALUES ";
const CASH_ENTRY_END: &str = " ON CONFLICT (id) DO UPDATE SET account = excluded.account, kind = excluded.kind, \
    amount = excluded.amount, currency = excluded.currency, status = excluded.status, \
    posting_mode = excluded.posting_mode, superseded_by = excluded.superseded_by, at = excluded.at, \
    last_at = excluded.last_at";

/// Writes the rows of all subjects, with one statement per table.
pub(super) async fn write(tx: &mut Transaction<'_>, states: &[SubjectState]) -> Result<(), Error> {
    let (mut accounts, mut transfers, mut cash_entries) = (Vec::new(), Vec::new(), Vec::new());
    let mut holdings = holding::Rows::default();
    for SubjectState { state, rules, .. } in states {
        match &state.row {
            Row::Account(row) => accounts.push(account_values(row)?),
            Row::Transfer(row) => transfers.push(transfer_values(row, rules)?),
            Row::Holding(row) => holdings.add(row)?,
            Row::CashEntry(row) => cash_entries.push(cash_entry_values(row, rules)?),
            Row::Journal => {}
        }
    }
    tx.insert_rows(ACCOUNT, accounts, ACCOUNT_END).await?;
    tx.insert_rows(TRANSFER, transfers, TRANSFER_END).await?;
    tx.insert_rows(CASH_ENTRY, cash_entries, CASH_ENTRY_END).await?;
    holdings.write(tx).await
}

fn account_values(row: &Account) -> Result<Vec<Value>, Error> {
    let Account { id, status, status_at, registered_at } = row;
    Ok(values![id.to_string(), id.to_string(), enum_name(status)?, *status_at, *registered_at])
}

fn transfer_values(row: &Transfer, rules: &Rules) -> Result<Vec<Value>, Error> {
    let Transfer {
        id,
        account,
        direction,
        amount,
        status,
        posting_mode,
        coins,
        settled_at,
        returned_at,
        last_at,
    } = row;
    let (transaction, side) = coins.clone().unzip();
    Ok(values![
        id.to_string(),
        account.as_ref().map(ToString::to_string),
        optional_enum_name(*direction)?,
        amount.map(domain::Money::minor),
        amount.map(|amount| amount.currency().as_str()),
        enum_name(status)?,
        enum_name(posting_mode)?,
        *settled_at,
        *returned_at,
        *last_at,
        transaction.map(|hash| hash.to_string()),
        optional_enum_name(side)?,
        rules.stash_ratio.get().normalize().to_string(),
    ])
}

fn cash_entry_values(row: &CashEntry, rules: &Rules) -> Result<Vec<Value>, Error> {
    let CashEntry { id, details, superseded_by, last_at } = row;
    let details = details.as_ref();
    Ok(values![
        id.to_string(),
        details.map(|details| details.account.to_string()),
        optional_enum_name(details.map(|details| details.kind))?,
        details.map(|details| details.amount.minor()),
        details.map(|details| details.amount.currency().as_str()),
        optional_enum_name(details.map(|details| details.status))?,
        optional_enum_name(details.map(|details| details.posting_mode))?,
        superseded_by.as_ref().map(ToString::to_string),
        details.map(|details| details.at),
        *last_at,
        rules.stash_ratio.get().normalize().to_string(),
    ])
}
