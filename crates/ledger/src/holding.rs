//! The shares of one symbol in one account: orders, executions, splits, and the money that they move.
//!
//! Facts are read in the order in which they became so. At one instant, what was taken back comes first, then orders,
//! splits, buys and sells, the less filled first: an execution that corrects another is told with the quantity that
//! remains without it.

mod book;
mod effects;
mod position;

use std::cmp::Ordering;
use std::collections::BTreeSet;

use domain::{ExternalId, Fact, Quantity, Side, Subject, Symbol, What};
use jiff::Timestamp;

use crate::fault::Fault;
use crate::fold as set;
use crate::holding::book::Book;
use crate::state::{Holding, Position, State};

/// The holding that all facts come to.
pub(crate) fn fold(account: &ExternalId, symbol: Symbol, facts: &[Fact]) -> Result<State, Fault> {
    let facts = in_order(facts);
    let Some(first) = facts.first() else {
        return Err(Fault::Empty { subject: format!("holding/{account}/{symbol}") });
    };
    Book::open(empty(account, symbol, first.at), &facts).read(&facts)?.close()
}

/// A holding of which nothing is known.
fn empty(account: &ExternalId, symbol: Symbol, at: Timestamp) -> Holding {
    let position = Position { quantity: Quantity::ZERO, cost: None, last_at: at };
    Holding { account: account.clone(), symbol, position, orders: Vec::new(), changes: Vec::new() }
}

/// What new facts change in a holding, whenever they became so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amended {
    /// The fold of all facts: of its orders, changes and postings those alone that the new facts made otherwise.
    pub state: State,
    /// Effects that the fold of the known facts had, and this one has not.
    pub gone: Vec<String>,
}

/// What `new` facts change in the holding of `account` in `symbol`: [`crate::fold`] of `all` facts, of which the new ones are
/// a part, beside the fold of the others. A late execution among 100,000 changes a handful of them, so that writing what
/// changed costs no more than that.
///
/// # Errors
/// As [`crate::fold`].
pub fn amend(account: &ExternalId, symbol: Symbol, all: &[Fact], new: &[Fact]) -> Result<Amended, Fault> {
    let subject = Subject::Holding { account: account.clone(), symbol };
    set::check_all(&subject, all)?;
    let (all, new): (Vec<&Fact>, BTreeSet<&Fact>) = (in_order(all), new.iter().collect());
    let known: Vec<&Fact> = all.iter().copied().filter(|fact| !new.contains(fact)).collect();
    let Some(first) = all.first() else {
        return Err(Fault::Empty { subject: subject.to_string() });
    };
    let before = Book::open(empty(account, symbol, first.at), &known).read(&known)?.standing();
    let book = Book::open(empty(account, symbol, first.at), &all).read(&all)?;
    let (state, gone) = book.close_after(&before)?;
    Ok(Amended { state, gone })
}

/// Goes on from a holding that is known: the same as [`crate::fold`] of the known facts and the new ones, for the cost of
/// the new ones. `known` needs to hold only the orders and changes that the new facts name; `latest` is when the latest
/// known fact became so. The state names only what the new facts touched.
///
/// `None` when that cannot be told without the whole set: a new fact is not later than all that are known, takes an
/// execution back, or tells of an execution or split again.
///
/// # Errors
/// As [`crate::fold`].
pub fn follow(known: &Holding, latest: Timestamp, new: &[Fact]) -> Result<Option<State>, Fault> {
    let subject = Subject::Holding { account: known.account.clone(), symbol: known.symbol };
    new.iter().try_for_each(|fact| set::check(&subject, fact))?;
    let is_known = |id: &ExternalId| known.changes.iter().any(|change| change.id == *id);
    let needs_all = new.iter().any(|fact| {
        fact.at <= latest
            || match &fact.what {
                What::Bust { .. } => true,
                What::Fill { execution: id, .. } | What::Split { entry: id, .. } => is_known(id),
                What::Order { .. }
                | What::Account { .. }
                | What::Transfer { .. }
                | What::Cash { .. }
                | What::Superseded { .. } => false,
            }
    });
    if needs_all {
        return Ok(None);
    }
    let facts = in_order(new);
    let known = Holding { changes: Vec::new(), ..known.clone() };
    Book::open(known, &facts).read(&facts)?.close().map(Some)
}

/// Each fact once, in the order in which they became so.
fn in_order(facts: &[Fact]) -> Vec<&Fact> {
    let mut facts: Vec<&Fact> = facts.iter().collect();
    facts.sort_unstable_by(|one, other| precedence(one, other));
    facts.dedup();
    facts
}

fn precedence(one: &Fact, other: &Fact) -> Ordering {
    let by_time = one.at.cmp(&other.at).then_with(|| rank(&one.what).cmp(&rank(&other.what)));
    by_time.then_with(|| one.cmp(other))
}

/// What comes first at one instant.
fn rank(what: &What) -> (u8, Quantity) {
    match what {
        What::Bust { .. } => (0, Quantity::ZERO),
        What::Order { .. } => (1, Quantity::ZERO),
        What::Split { .. } => (2, Quantity::ZERO),
        What::Fill { side: Side::Buy, cumulative, .. } => (3, *cumulative),
        What::Fill { side: Side::Sell, cumulative, .. } => (4, *cumulative),
        What::Account { .. } | What::Transfer { .. } | What::Cash { .. } | What::Superseded { .. } => {
            (5, Quantity::ZERO)
        }
    }
}

#[cfg(test)]
mod tests;
