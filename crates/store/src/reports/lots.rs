//! Open tax lots and realized gains, first in, first out.

use std::collections::BTreeSet;

use domain::Subject;
use ledger::{Gain, LedgerError, Lot, Lots, Row as FoldedRow, is_wash_sale};

use super::holdings::{StoredPosition, page};
use super::row::Cell;
use super::{Output, Stop};
use crate::database::{Transaction, sql};
use crate::error::Error;
use crate::ledger::{EntryFilter, Moment, state_at};

pub(super) const COLUMNS: [&str; 7] =
    ["account", "symbol", "lot", "opened_at", "quantity", "cost", "currency"];
pub(super) const GAIN_COLUMNS: [&str; 14] = [
    "account",
    "symbol",
    "side",
    "quantity",
    "opened_at",
    "closed_at",
    "opened_by",
    "closed_by",
    "proceeds",
    "cost",
    "gain",
    "currency",
    "term",
    "wash_sale",
];
/// Other accounts of the same customer.
const SIBLINGS: &str = "SELECT p.account FROM customer_accounts p JOIN customer_accounts o ON o.customer = p.customer \
    WHERE o.account = $1 AND p.account <> $1 ORDER BY p.account";

/// Which lots.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Open,
    Closed,
}

pub(super) async fn write(
    tx: &mut Transaction<'_>,
    part: Part,
    (filter, visible): (&EntryFilter, Option<&BTreeSet<String>>),
    output: &mut Output,
) -> Result<(), Stop> {
    let mut after = None;
    while let Some(holdings) = page(tx, filter.account.as_ref(), after.as_ref()).await? {
        for holding in &holdings {
            let lots = match lots_at(tx, &holding.subject(), filter.moment).await {
                Err(Error::Ledger(LedgerError::TooManyFacts { .. })) => {
                    output.add_unknown(holding).await?;
                    continue;
                }
                lots => lots?,
            };
            if part == Part::Closed {
                write_gains(tx, (holding, lots), (filter, visible), output).await?;
                continue;
            }
            for lot in &lots.open {
                output.add(lot_cells(holding, lot)).await?;
            }
        }
        after = holdings.into_iter().last();
        // Folding and matching lots is work without waiting.
        tokio::task::yield_now().await;
    }
    Ok(())
}

async fn lots_at(tx: &mut Transaction<'_>, subject: &Subject, moment: Moment) -> Result<Lots, Error> {
    let Some((facts, state)) = state_at(tx, subject, moment).await? else { return Ok(Lots::default()) };
    match &state.row {
        FoldedRow::Holding(holding) => Ok(ledger::lots(holding, &facts)?),
        FoldedRow::Account(_) | FoldedRow::Transfer(_) | FoldedRow::CashEntry(_) | FoldedRow::Journal => {
            Ok(Lots::default())
        }
    }
}

async fn write_gains(
    tx: &mut Transaction<'_>,
    (holding, lots): (&StoredPosition, Lots),
    (filter, visible): (&EntryFilter, Option<&BTreeSet<String>>),
    output: &mut Output,
) -> Result<(), Stop> {
    let Lots { gains, mut opened, .. } = lots;
    if gains.iter().any(|gain| gain.gain().is_some_and(|gain| gain.minor() < 0)) {
        opened.extend(opened_in_siblings(tx, holding, visible, filter.moment).await?);
        opened.sort_by_key(|lot| lot.opened_at);
    }
    let is_in_period = |gain: &&Gain| {
        filter.from.is_none_or(|from| gain.closed_at >= from)
            && filter.before.is_none_or(|before| gain.closed_at < before)
    };
    for gain in gains.iter().filter(is_in_period) {
        output.add(gain_cells(holding, gain, is_wash_sale(gain, &opened))).await?;
    }
    Ok(())
}

/// What the other accounts of the customer opened, as far as the reader may see them.
async fn opened_in_siblings(
    tx: &mut Transaction<'_>,
    holding: &StoredPosition,
    visible: Option<&BTreeSet<String>>,
    moment: Moment,
) -> Result<Vec<Lot>, Error> {
    let mut opened = Vec::new();
    for row in tx.fetch_all(sql!(SIBLINGS, holding.account.to_string())).await? {
        if visible.is_some_and(|visible| row.text("account").is_ok_and(|account| !visible.contains(&account)))
        {
            continue;
        }
        let subject = Subject::Holding { account: row.parsed("account")?, symbol: holding.symbol };
        opened.extend(lots_at(tx, &subject, moment).await?.opened);
    }
    Ok(opened)
}

fn lot_cells(holding: &StoredPosition, lot: &Lot) -> Vec<Cell> {
    let Lot { id, opened_at, is_traded: _, quantity, cost } = lot;
    vec![
        Cell::text(&holding.account),
        Cell::text(holding.symbol.as_str()),
        Cell::text(id),
        Cell::text(opened_at),
        Cell::quantity(*quantity),
        Cell::money(*cost),
        Cell::currency(*cost),
    ]
}

fn gain_cells(holding: &StoredPosition, gain: &Gain, is_wash_sale: bool) -> Vec<Cell> {
    let term = gain.is_long_term().map(|is_long| if is_long { "long" } else { "short" });
    vec![
        Cell::text(&holding.account),
        Cell::text(holding.symbol.as_str()),
        Cell::text(if gain.is_short() { "short" } else { "long" }),
        Cell::Number(gain.lot.quantity.get().abs().to_string()),
        Cell::text(gain.lot.opened_at),
        Cell::text(gain.closed_at),
        Cell::text(&gain.lot.id),
        Cell::text(&gain.closed_by),
        Cell::money(gain.proceeds()),
        Cell::money(gain.cost()),
        Cell::money(gain.gain()),
        Cell::currency(Some(gain.money)),
        Cell::optional(term),
        Cell::Flag(is_wash_sale),
    ]
}
