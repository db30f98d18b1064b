//! Reads the facts of a holding one after the other.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ExternalId, Fact, Money, OrderStatus, Quantity, Side, What};
use jiff::Timestamp;

use super::effects;
use crate::fault::Fault;
use crate::state::{
    Change, ChangeKind, ChangeStanding, Holding, Order, Position, Review, ReviewKind, Row, State,
};

/// A holding while it is read.
pub(super) struct Book {
    account: ExternalId,
    symbol: domain::Symbol,
    position: Position,
    orders: BTreeMap<ExternalId, Order>,
    changes: BTreeMap<ExternalId, Change>,
    /// Executions that did not happen after all, and when that was told: known before any is read, so that none of them
    /// moves anything.
    busted: BTreeMap<ExternalId, Timestamp>,
    /// Those among them whose taking back has been read: their order is not filled by them any more.
    withdrawn: BTreeSet<ExternalId>,
    /// Orders that were read of.
    touched: BTreeSet<ExternalId>,
    reviews: BTreeSet<Review>,
}

/// The orders and changes of a holding that was read.
#[derive(Default)]
pub(super) struct Standing {
    orders: BTreeMap<ExternalId, Order>,
    changes: BTreeMap<ExternalId, Change>,
}

/// What a fill tells.
struct Fill<'a> {
    order: &'a ExternalId,
    execution: &'a ExternalId,
    side: Side,
    cumulative: Quantity,
    notional: Money,
    at: Timestamp,
}

impl Book {
    pub(super) fn open(known: Holding, facts: &[&Fact]) -> Self {
        let Holding { account, symbol, position, orders, changes } = known;
        let mut busted = BTreeMap::new();
        for fact in facts {
            if let What::Bust { execution } = &fact.what {
                busted.entry(execution.clone()).or_insert(fact.at);
            }
        }
        Self {
            account,
            symbol,
            position,
            orders: orders.into_iter().map(|order| (order.id.clone(), order)).collect(),
            changes: changes.into_iter().map(|change| (change.id.clone(), change)).collect(),
            busted,
            withdrawn: BTreeSet::new(),
            touched: BTreeSet::new(),
            reviews: BTreeSet::new(),
        }
    }

    /// Reads facts that stand in the order in which they became so.
    pub(super) fn read(mut self, facts: &[&Fact]) -> Result<Self, Fault> {
        for fact in facts {
            self.position.last_at = fact.at;
            match &fact.what {
                What::Order { order, side, status, reserve } => {
                    self.order(order, *side, fact.at);
                    self.proceed(order, *status, *reserve);
                }
                What::Fill { order, execution, side, cumulative, notional } => self.fill(&Fill {
                    order,
                    execution,
                    side: *side,
                    cumulative: *cumulative,
                    notional: *notional,
                    at: fact.at,
                })?,
                What::Bust { execution } => self.bust(execution, fact.at)?,
                What::Split { entry, change } => self.split(entry, *change, fact.at)?,
                What::Account { .. }
                | What::Transfer { .. }
                | What::Cash { .. }
                | What::Superseded { .. } => {}
            }
        }
        Ok(self)
    }

    /// The order of this name, begun when it is new.
    fn order(&mut self, id: &ExternalId, side: Side, at: Timestamp) -> &mut Order {
        self.touched.insert(id.clone());
        let order = self.orders.entry(id.clone()).or_insert_with(|| Order {
            id: id.clone(),
            side,
            status: OrderStatus::Open,
            cumulative: Quantity::ZERO,
            notional: None,
            reserve: None,
            last_at: at,
        });
        order.last_at = at;
        if order.side != side {
            self.reviews.insert(Review { kind: ReviewKind::Contradiction, about: id.clone(), at });
        }
        order
    }

    /// An order that ended stays ended; of two ends, the later one holds.
    fn proceed(&mut self, id: &ExternalId, status: OrderStatus, reserve: Option<Money>) {
        let Some(order) = self.orders.get_mut(id) else { return };
        order.reserve = reserve.or(order.reserve);
        if !is_final(order.status) {
            order.status = status;
        } else if is_final(status) && status != order.status {
            order.status = status;
            let at = order.last_at;
            self.reviews.insert(Review { kind: ReviewKind::Contradiction, about: id.clone(), at });
        }
    }

    /// What a fill moves is how much further its order is filled than before.
    fn fill(&mut self, fill: &Fill<'_>) -> Result<(), Fault> {
        if self.is_told_again(fill) {
            return Ok(());
        }
        let (standing, quantity, notional) = self.advance(fill)?;
        let kind = ChangeKind::Fill { order: fill.order.clone(), side: fill.side, notional };
        let change = Change { id: fill.execution.clone(), kind, quantity, standing, at: fill.at };
        self.changes.insert(fill.execution.clone(), change);
        Ok(())
    }

    fn advance(&mut self, fill: &Fill<'_>) -> Result<(ChangeStanding, Quantity, Money), Fault> {
        let is_withdrawn = self.withdrawn.contains(fill.execution);
        let is_busted = self.busted.contains_key(fill.execution);
        let nothing = |standing| Ok((standing, Quantity::ZERO, Money::zero(fill.notional.currency())));
        let order = self.order(fill.order, fill.side, fill.at);
        let stored = order.notional.unwrap_or(Money::zero(fill.notional.currency()));
        if stored.currency() != fill.notional.currency() {
            self.look_at(ReviewKind::CurrencyMixed, fill.execution, fill.at);
            return nothing(ChangeStanding::Parked);
        }
        if is_withdrawn {
            return nothing(ChangeStanding::Busted);
        }
        if fill.cumulative <= order.cumulative {
            return nothing(if is_busted { ChangeStanding::Busted } else { ChangeStanding::Recorded });
        }
        let shares = fill.cumulative.minus(order.cumulative)?;
        let money = fill.notional.plus(stored.negated()?)?;
        order.cumulative = fill.cumulative;
        order.notional = Some(fill.notional);
        if order.status == OrderStatus::Open {
            order.status = OrderStatus::PartiallyFilled;
        }
        let standing =
            if is_busted { ChangeStanding::Busted } else { self.move_shares(fill, shares, money)? };
        Ok((standing, shares, money))
    }

    /// An execution is what was told of it first. A second telling that differs is looked at, and moves nothing; its order
    /// is one that was told of.
    fn is_told_again(&mut self, fill: &Fill<'_>) -> bool {
        let Some(change) = self.changes.get(fill.execution) else { return false };
        let is_same = matches!(
            &change.kind,
            ChangeKind::Fill { order, side, .. } if order == fill.order && *side == fill.side
        );
        if !is_same {
            self.order(fill.order, fill.side, fill.at);
            self.look_at(ReviewKind::Contradiction, fill.execution, fill.at);
        }
        true
    }

    fn move_shares(
        &mut self,
        fill: &Fill<'_>,
        shares: Quantity,
        money: Money,
    ) -> Result<ChangeStanding, Fault> {
        if money.minor() <= 0 {
            self.look_at(ReviewKind::Contradiction, fill.execution, fill.at);
        }
        let moved = match fill.side {
            Side::Buy => self.position.bought(shares, money)?,
            Side::Sell => self.position.sold(shares, money)?,
        };
        Ok(self.settle(moved, fill.execution, fill.at))
    }

    fn settle(&mut self, moved: Result<(), ReviewKind>, id: &ExternalId, at: Timestamp) -> ChangeStanding {
        match moved {
            Ok(()) => ChangeStanding::Counted,
            Err(kind) => {
                self.look_at(kind, id, at);
                ChangeStanding::Parked
            }
        }
    }

    /// The order is not filled by this execution any more: later fills of it are told without it.
    fn bust(&mut self, execution: &ExternalId, at: Timestamp) -> Result<(), Fault> {
        if !self.withdrawn.insert(execution.clone()) {
            return Ok(());
        }
        let Some(change) = self.changes.get(execution) else { return Ok(()) };
        let (ChangeKind::Fill { order, notional, .. }, shares) = (&change.kind, change.quantity) else {
            return Ok(());
        };
        let Some(order) = self.orders.get_mut(order) else { return Ok(()) };
        order.cumulative = order.cumulative.minus(shares)?;
        if let Some(stored) = order.notional.filter(|stored| stored.currency() == notional.currency()) {
            order.notional = Some(stored.plus(notional.negated()?)?);
        }
        order.last_at = at;
        Ok(())
    }

    fn split(&mut self, entry: &ExternalId, change: Quantity, at: Timestamp) -> Result<(), Fault> {
        if let Some(known) = self.changes.get(entry) {
            if known.kind != ChangeKind::Split || known.quantity != change {
                self.look_at(ReviewKind::Contradiction, entry, at);
            }
            return Ok(());
        }
        let moved = self.position.split(change)?;
        let standing = self.settle(moved, entry, at);
        let change = Change { id: entry.clone(), kind: ChangeKind::Split, quantity: change, standing, at };
        self.changes.insert(entry.clone(), change);
        Ok(())
    }

    fn look_at(&mut self, kind: ReviewKind, about: &ExternalId, at: Timestamp) {
        self.reviews.insert(Review { kind, about: about.clone(), at });
    }

    /// What was read, as a state.
    pub(super) fn close(self) -> Result<State, Fault> {
        self.close_after(&Standing::default()).map(|(state, _)| state)
    }

    /// The orders and changes that were read.
    pub(super) fn standing(mut self) -> Standing {
        self.note_unknown();
        Standing { orders: self.orders, changes: self.changes }
    }

    /// What was read, as a state of those orders and changes alone that are otherwise than before; and the effects that
    /// there were before and are no more.
    pub(super) fn close_after(mut self, before: &Standing) -> Result<(State, Vec<String>), Fault> {
        self.note_unknown();
        let Self { account, symbol, position, orders, changes, touched, reviews, .. } = self;
        let orders = orders.into_values().filter(|order| touched.contains(&order.id));
        let orders: Vec<Order> = orders.filter(|order| before.orders.get(&order.id) != Some(order)).collect();
        let changes = changes.into_values().filter(|change| before.changes.get(&change.id) != Some(change));
        let changes: Vec<Change> = changes.collect();
        let (mut postings, mut gone) = (Vec::new(), Vec::new());
        for change in &changes {
            match effects::fill(&account, change)? {
                Some(posting) => postings.push(posting),
                None => gone.extend(before.fill_effect(&account, &change.id)?),
            }
        }
        for order in &orders {
            postings.extend(effects::reserve(&account, order)?);
        }
        let row = Row::Holding(Holding { account, symbol, position, orders, changes });
        Ok((State { row, postings, reviews: reviews.into_iter().collect() }, gone))
    }

    /// Keeps what was taken back without having been told of: it does not happen when it is told of later.
    fn note_unknown(&mut self) {
        for (execution, &at) in &self.busted {
            if self.changes.contains_key(execution) {
                continue;
            }
            let id = execution.clone();
            self.reviews.insert(Review { kind: ReviewKind::UnknownExecution, about: id.clone(), at });
            let (quantity, standing) = (Quantity::ZERO, ChangeStanding::Busted);
            let change = Change { id: id.clone(), kind: ChangeKind::Unknown, quantity, standing, at };
            self.changes.insert(id, change);
        }
    }
}

impl Standing {
    /// The effect that an execution had.
    fn fill_effect(&self, account: &ExternalId, id: &ExternalId) -> Result<Option<String>, Fault> {
        let Some(change) = self.changes.get(id) else { return Ok(None) };
        Ok(effects::fill(account, change)?.map(|posting| posting.effect().to_owned()))
    }
}

/// Whether an order in this state is not filled any further.
pub(super) const fn is_final(status: OrderStatus) -> bool {
    match status {
        OrderStatus::Filled
        | OrderStatus::Canceled
        | OrderStatus::Expired
        | OrderStatus::Rejected
        | OrderStatus::Replaced => true,
        OrderStatus::Open | OrderStatus::PartiallyFilled => false,
    }
}
