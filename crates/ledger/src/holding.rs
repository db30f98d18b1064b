//! The shares of one symbol in one account: orders, executions, splits, and the money that they move.
//!
//! Facts are applied in chronological order. At one instant, busts come first, then orders, splits, buys and sells, the
//! smaller cumulative quantity first: an execution that corrects another one reports the quantity without it.

mod effects;
mod holding_fold;
mod position;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use domain::{ExternalId, Fact, FactKind, Money, Quantity, Side, Subject, Symbol};
use jiff::Timestamp;

use crate::check::{check, check_all};
use crate::error::LedgerError;
use crate::holding::holding_fold::HoldingFold;
use crate::state::{ChangeStatus, Holding, Position, State};

/// Executions that belong to other holdings, each with its status there.
pub type Elsewhere = BTreeMap<ExternalId, ChangeStatus>;

/// The holding of `account` in `symbol` after all facts: [`crate::fold`], given the executions that are `elsewhere`. An
/// execution is of one symbol in one account; of two that report it, only one can be right.
///
/// # Errors
/// As [`crate::fold`].
pub fn fold_holding(
    account: &ExternalId,
    symbol: Symbol,
    facts: &[Fact],
    elsewhere: &Elsewhere,
) -> Result<State, LedgerError> {
    let subject = Subject::Holding { account: account.clone(), symbol };
    check_all(&subject, facts)?;
    let Some(first_at) = facts.iter().map(|fact| fact.at).min() else {
        return Err(LedgerError::NoFacts { subject: subject.to_string() });
    };
    let facts = chronological(facts);
    HoldingFold::new(empty(account, symbol, first_at), &facts, elsewhere).apply(&facts)?.into_state()
}

fn empty(account: &ExternalId, symbol: Symbol, at: Timestamp) -> Holding {
    let position = Position { quantity: Quantity::ZERO, cost: None, last_at: at };
    Holding { account: account.clone(), symbol, position, orders: Vec::new(), changes: Vec::new() }
}

/// What new facts change in a holding, in any chronological position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoldDiff {
    /// The fold of all facts, with only those orders, changes and postings that the new facts changed.
    pub state: State,
    /// Effects of the older facts that the fold of all facts no longer has.
    pub removed_effects: Vec<String>,
}

/// The difference that `new` facts make in the holding of `account` in `symbol`: [`crate::fold`] of `all` facts, which include
/// the new ones, compared with the fold of the others. A late execution among 100,000 changes a handful of rows, and only
/// those need to be written. `elsewhere` is that of [`fold_holding`].
///
/// # Errors
/// As [`crate::fold`].
pub fn fold_diff(
    account: &ExternalId,
    symbol: Symbol,
    all: &[Fact],
    new: &[Fact],
    elsewhere: &Elsewhere,
) -> Result<FoldDiff, LedgerError> {
    let subject = Subject::Holding { account: account.clone(), symbol };
    check_all(&subject, all)?;
    let Some(first_at) = all.iter().map(|fact| fact.at).min() else {
        return Err(LedgerError::NoFacts { subject: subject.to_string() });
    };
    let new: BTreeSet<&Fact> = new.iter().collect();
    let older = chronological(all.iter().filter(|fact| !new.contains(fact)));
    let all = chronological(all);
    let before =
        HoldingFold::new(empty(account, symbol, first_at), &older, elsewhere).apply(&older)?.into_snapshot();
    let after = HoldingFold::new(empty(account, symbol, first_at), &all, elsewhere).apply(&all)?;
    let (state, removed_effects) = after.into_diff(&before)?;
    Ok(FoldDiff { state, removed_effects })
}

/// Continues from the holding before the new facts: the same as [`crate::fold`] of all facts, at the cost of the new ones.
/// `before` needs only the orders and changes that the new facts name; `latest` is the time of its latest fact. The state
/// contains only what the new facts changed.
///
/// `None` when all facts are needed: a new fact is not later than `latest`, busts an execution, or repeats an
/// execution or split.
///
/// # Errors
/// As [`crate::fold`].
pub fn fold_incremental(
    before: &Holding,
    latest: Timestamp,
    new: &[Fact],
    elsewhere: &Elsewhere,
) -> Result<Option<State>, LedgerError> {
    let subject = Subject::Holding { account: before.account.clone(), symbol: before.symbol };
    new.iter().try_for_each(|fact| check(&subject, fact))?;
    let is_known = |id: &ExternalId| before.changes.iter().any(|change| change.id == *id);
    let needs_all = new.iter().any(|fact| {
        fact.at <= latest
            || match &fact.kind {
                FactKind::Bust { .. } => true,
                FactKind::Fill { execution: id, .. } | FactKind::Split { entry: id, .. } => is_known(id),
                FactKind::Order { .. }
                | FactKind::Adjustment { .. }
                | FactKind::Account { .. }
                | FactKind::Transfer { .. }
                | FactKind::Coins { .. }
                | FactKind::Cash { .. }
                | FactKind::Superseded { .. }
                | FactKind::Journal { .. } => false,
            }
    });
    if needs_all {
        return Ok(None);
    }
    let facts = chronological(new);
    let before = Holding { changes: Vec::new(), ..before.clone() };
    HoldingFold::new(before, &facts, elsewhere).apply(&facts)?.into_state().map(Some)
}

/// Each fact once, in chronological order, without adjustments that another one at the same time undoes: a reversed journal
/// leaves no trace.
pub(crate) fn chronological<'f>(facts: impl IntoIterator<Item = &'f Fact>) -> Vec<&'f Fact> {
    let mut facts: Vec<&Fact> = facts.into_iter().collect();
    facts.sort_unstable_by(|one, other| precedence(one, other));
    facts.dedup();
    let reversed = reversed(&facts);
    facts.retain(|fact| !reversed.contains(fact));
    facts
}

fn reversed<'f>(facts: &[&'f Fact]) -> BTreeSet<&'f Fact> {
    let mut open: BTreeMap<(Timestamp, Quantity, Option<Money>), Vec<&Fact>> = BTreeMap::new();
    let mut reversed = BTreeSet::new();
    for &fact in facts {
        let FactKind::Adjustment { change, cost, .. } = &fact.kind else { continue };
        let opposite = Quantity::ZERO.minus(*change).ok().zip(cost.map(Money::negated).transpose().ok());
        let other =
            opposite.and_then(|(change, cost)| open.get_mut(&(fact.at, change, cost))).and_then(Vec::pop);
        match other {
            Some(other) => reversed.extend([fact, other]),
            None => open.entry((fact.at, *change, *cost)).or_default().push(fact),
        }
    }
    reversed
}

fn precedence(one: &Fact, other: &Fact) -> Ordering {
    let by_time = one.at.cmp(&other.at).then_with(|| rank(&one.kind).cmp(&rank(&other.kind)));
    by_time.then_with(|| one.cmp(other))
}

/// Precedence at one instant. Shares come in before others go out, so that a reversed journal leaves no trace.
fn rank(kind: &FactKind) -> (u8, Quantity) {
    match kind {
        FactKind::Bust { .. } => (0, Quantity::ZERO),
        FactKind::Order { .. } => (1, Quantity::ZERO),
        FactKind::Split { change, .. } if *change >= Quantity::ZERO => (2, Quantity::ZERO),
        FactKind::Split { .. } => (3, Quantity::ZERO),
        FactKind::Adjustment { change, .. } if *change >= Quantity::ZERO => (4, Quantity::ZERO),
        FactKind::Fill { side: Side::Buy, cumulative, .. } => (5, *cumulative),
        FactKind::Fill { side: Side::Sell, cumulative, .. } => (6, *cumulative),
        FactKind::Adjustment { .. } => (7, Quantity::ZERO),
        FactKind::Account { .. }
        | FactKind::Transfer { .. }
        | FactKind::Coins { .. }
        | FactKind::Cash { .. }
        | FactKind::Superseded { .. }
        | FactKind::Journal { .. } => (8, Quantity::ZERO),
    }
}

#[cfg(test)]
mod tests;
