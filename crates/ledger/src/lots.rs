//! Tax lots: what each execution bought or sold short, closed first in, first out, and what was gained with it.
//!
//! A tax view beside the ledger's own cost, which is the average. Busted and parked executions move no lot, a split keeps cost and
//! dates, and what a journal takes away is no sale. No cent is lost: the costs of open lots, closed parts and parts that journals
//! took away add up to what was paid.

mod book;
mod gain;

use std::collections::BTreeMap;

use domain::{ExternalId, Fact, FactKind, Money, Quantity, Side};
use jiff::Timestamp;

use crate::error::LedgerError;
use crate::holding::chronological;
use crate::state::{Change, ChangeKind, ChangeStatus, Holding};
use book::LotBook;

pub use gain::{Gain, is_wash_sale};

/// Shares that were opened together, or a part of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lot {
    /// The execution or the journal that opened it.
    pub id: ExternalId,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Whether an execution opened it. Since when the shares of a journal are held is unknown.
    pub is_traded: bool,
    /// Shares; negative if they were sold short.
    pub quantity: Quantity,
    /// What they cost, for shares sold short what they brought as a negative number; `None` if it is unknown.
    pub cost: Option<Money>,
}

/// The lots of a holding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lots {
    /// Open lots, the first one first.
    pub open: Vec<Lot>,
    /// Parts of lots that executions closed, in the order in which they were closed.
    pub gains: Vec<Gain>,
    /// Parts of lots that journals took away.
    pub removed: Vec<Lot>,
    /// What executions opened, as it was then.
    pub opened: Vec<Lot>,
}

/// The lots of `holding`, which is the fold of all `facts`.
///
/// # Errors
/// [`LedgerError`] when a sum is out of range.
pub fn lots(holding: &Holding, facts: &[Fact]) -> Result<Lots, LedgerError> {
    let facts = chronological(facts);
    let mut changes: BTreeMap<&ExternalId, &Change> =
        holding.changes.iter().map(|change| (&change.id, change)).collect();
    let mut book = LotBook::default();
    for fact in facts {
        match &fact.kind {
            FactKind::Fill { execution: id, .. } | FactKind::Split { entry: id, .. } => {
                // The first report counts.
                if let Some(change) = changes.remove(id).filter(|each| each.status == ChangeStatus::Counted) {
                    apply(&mut book, change)?;
                }
            }
            FactKind::Adjustment { entry, change, cost } => {
                book.adjust((entry, fact.at), *change, *cost)?;
            }
            FactKind::Order { .. }
            | FactKind::Bust { .. }
            | FactKind::Account { .. }
            | FactKind::Transfer { .. }
            | FactKind::Coins { .. }
            | FactKind::Cash { .. }
            | FactKind::Superseded { .. }
            | FactKind::Journal { .. } => {}
        }
    }
    Ok(book.into_lots())
}

fn apply(book: &mut LotBook, Change { id, kind, quantity, at, .. }: &Change) -> Result<(), LedgerError> {
    match kind {
        ChangeKind::Fill { side: Side::Buy, notional, .. } => book.trade((id, *at), *quantity, *notional),
        ChangeKind::Fill { side: Side::Sell, notional, .. } => {
            book.trade((id, *at), Quantity::ZERO.minus(*quantity)?, notional.negated()?)
        }
        ChangeKind::Split { .. } => book.split(*quantity),
        ChangeKind::Unknown => Ok(()),
    }
}

#[cfg(test)]
mod tests;
