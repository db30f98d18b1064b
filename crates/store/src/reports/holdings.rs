//! Positions with their cost.

use std::collections::BTreeSet;

use domain::{ExternalId, Subject, Symbol};
use ledger::{LedgerError, Position, Row as FoldedRow};

use super::row::Cell;
use super::{Output, Stop};
use crate::database::{Transaction, sql};
use crate::error::Error;
use crate::ledger::{AccountFilter, EntryFilter, Moment, named, optional_money, state_at};

pub(super) const COLUMNS: [&str; 5] = ["account", "symbol", "quantity", "cost", "currency"];
/// Positions of one page.
const PAGE: i64 = 500;
const POSITIONS: &str = "SELECT account, symbol, quantity, cost, currency, last_at FROM positions WHERE (account, symbol) > ($1, $2)";

/// A holding, with its position as everything is known now.
pub(crate) struct StoredPosition {
    pub(crate) account: ExternalId,
    pub(crate) symbol: Symbol,
    latest: Position,
}

pub(super) async fn write(
    tx: &mut Transaction<'_>,
    filter: &EntryFilter,
    output: &mut Output,
) -> Result<(), Stop> {
    let mut after = None;
    while let Some(page) = page(tx, filter.account.as_ref(), after.as_ref()).await? {
        for stored in &page {
            let position = match stored.at(tx, filter.moment).await {
                Err(Error::Ledger(LedgerError::TooManyFacts { .. })) => {
                    output.add_unknown(stored).await?;
                    continue;
                }
                position => position?,
            };
            let Some(Position { quantity, cost, .. }) = position else { continue };
            if !quantity.is_zero() {
                let names = [Cell::text(&stored.account), Cell::text(stored.symbol.as_str())];
                let amounts = [Cell::quantity(quantity), Cell::money(cost), Cell::currency(cost)];
                output.add(names.into_iter().chain(amounts).collect()).await?;
            }
        }
        after = page.into_iter().last();
    }
    Ok(())
}

/// The holdings after another one, those without shares included; `None` at the end.
pub(crate) async fn page(
    tx: &mut Transaction<'_>,
    account: Option<&AccountFilter>,
    after: Option<&StoredPosition>,
) -> Result<Option<Vec<StoredPosition>>, Error> {
    let (last_account, last_symbol) =
        after.map(|last| (last.account.to_string(), last.symbol.as_str())).unwrap_or_default();
    let statement = sql!(POSITIONS, last_account, last_symbol);
    let of = |holders| statement.clone().push_sql(" AND account IN").push_in(named(holders));
    let statement = match account {
        None => statement,
        Some(AccountFilter::Holder(holder)) => of(&BTreeSet::from([holder.to_string()])),
        Some(AccountFilter::Holders(holders)) => of(holders),
        // Shares are not in accounts of the ledger.
        Some(AccountFilter::Account(_)) => of(&BTreeSet::new()),
    };
    let statement = statement.push_sql(" ORDER BY account, symbol LIMIT ").push_value(PAGE);
    let mut page = Vec::new();
    for row in tx.fetch_all(statement).await? {
        let (account, symbol, cost) =
            (row.parsed("account")?, row.parsed("symbol")?, optional_money(&row, "cost", "currency")?);
        let latest = Position { quantity: row.parsed("quantity")?, cost, last_at: row.time("last_at")? };
        page.push(StoredPosition { account, symbol, latest });
    }
    Ok(Some(page).filter(|page| !page.is_empty()))
}

impl StoredPosition {
    pub(crate) fn subject(&self) -> Subject {
        Subject::Holding { account: self.account.clone(), symbol: self.symbol }
    }

    /// The position at `moment`; `None` if there was none.
    pub(crate) async fn at(
        &self,
        tx: &mut Transaction<'_>,
        moment: Moment,
    ) -> Result<Option<Position>, Error> {
        if moment.is_latest() {
            return Ok(Some(self.latest));
        }
        Ok(state_at(tx, &self.subject(), moment).await?.and_then(|(_, state)| match state.row {
            FoldedRow::Holding(holding) => Some(holding.position),
            FoldedRow::Account(_) | FoldedRow::Transfer(_) | FoldedRow::CashEntry(_) | FoldedRow::Journal => {
                None
            }
        }))
    }
}
