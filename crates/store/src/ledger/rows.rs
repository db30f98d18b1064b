//! What is kept of each subject: one row, or a position with its orders and executions.

mod holding;

use ledger::{Account, CashEntry, Row, Rules, Transfer};

use super::Scope;
use super::words::{optional_word, word};
use crate::database::{Transaction, values};
use crate::error::Error;

pub(super) use holding::known as known_holding;

const ACCOUNT: &str = "INSERT INTO provider_accounts (account, user_id, status, status_at, registered_at) \
    VALUES ($1, $1, $2, $3, $4) ON CONFLICT (account) DO UPDATE SET \
    status = excluded.status, status_at = excluded.status_at, registered_at = excluded.registered_at";

const TRANSFER: &str = "INSERT INTO transfers (id, account, direction, amount, currency, status, booking, settled_at, \
    returned_at, last_at, stash_ratio) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
    ON CONFLICT (id) DO UPDATE SET account = excluded.account, direction = excluded.direction, \
    amount = excluded.amount, currency = excluded.currency, status = excluded.status, booking = excluded.booking, \
    settled_at = excluded.settled_at, returned_at = excluded.returned_at, last_at = excluded.last_at";

const CASH_ENTRY: &str = "INSERT INTO cash_entries (id, account, kind, amount, currency, standing, booking, \
    superseded_by, at, last_at, stash_ratio) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
    ON CONFLICT (id) DO UPDATE SET account = excluded.account, kind = excluded.kind, amount = excluded.amount, \
    currency = excluded.currency, standing = excluded.standing, booking = excluded.booking, \
    superseded_by = excluded.superseded_by, at = excluded.at, last_at = excluded.last_at";

/// Writes what is kept of a subject. `is_known`: something was kept of it before.
pub(super) async fn write(
    tx: &mut Transaction<'_>,
    row: &Row,
    rules: &Rules,
    is_known: bool,
    scope: Scope,
) -> Result<(), Error> {
    match row {
        Row::Account(row) => account(tx, row).await,
        Row::Transfer(row) => transfer(tx, row, rules).await,
        Row::Holding(row) => holding::write(tx, row, is_known && scope == Scope::Whole).await,
        Row::CashEntry(row) => cash_entry(tx, row, rules).await,
    }
}

async fn account(tx: &mut Transaction<'_>, row: &Account) -> Result<(), Error> {
    let Account { id, status, status_at, registered_at } = row;
    tx.execute(ACCOUNT, values![id.to_string(), word(status)?, *status_at, *registered_at]).await?;
    Ok(())
}

async fn transfer(tx: &mut Transaction<'_>, row: &Transfer, rules: &Rules) -> Result<(), Error> {
    let Transfer { id, account, direction, amount, status, booking, settled_at, returned_at, last_at } = row;
    let values = values![
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
    ];
    tx.execute(TRANSFER, values).await?;
    Ok(())
}

async fn cash_entry(tx: &mut Transaction<'_>, row: &CashEntry, rules: &Rules) -> Result<(), Error> {
    let CashEntry { id, what, superseded_by, last_at } = row;
    let what = what.as_ref();
    let values = values![
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
    ];
    tx.execute(CASH_ENTRY, values).await?;
    Ok(())
}
