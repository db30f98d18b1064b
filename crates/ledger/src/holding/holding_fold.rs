//! Applies the facts of a holding one after the other.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ExternalId, Fact, FactKind, Money, OrderStatus, Quantity, Side};
use jiff::Timestamp;
use rust_decimal::Decimal;

use super::{Elsewhere, effects};
use crate::error::LedgerError;
use crate::state::{
    Change, ChangeKind, ChangeStatus, Holding, Order, Position, Review, ReviewKind, Row, State,
};

/// A holding while facts are applied to it.
pub(super) struct HoldingFold<'e> {
    account: ExternalId,
    symbol: domain::Symbol,
    position: Position,
    orders: BTreeMap<ExternalId, Order>,
    changes: BTreeMap<ExternalId, Change>,
    /// Busted executions and when, collected before any fill is applied, so that none of them moves shares.
    busts: BTreeMap<ExternalId, Timestamp>,
    /// Busted executions whose bust has been applied: their orders are no longer filled by them.
    applied_busts: BTreeSet<ExternalId>,
    /// Orders that a fact named.
    named_orders: BTreeSet<ExternalId>,
    reviews: BTreeSet<Review>,
    /// The cumulative quantity and its price in the first report of each execution.
    reports: BTreeMap<ExternalId, (Quantity, Money)>,
    /// Executions of other holdings.
    elsewhere: &'e Elsewhere,
}

/// The orders and changes of a holding after all facts.
#[derive(Default)]
pub(super) struct HoldingSnapshot {
    orders: BTreeMap<ExternalId, Order>,
    changes: BTreeMap<ExternalId, Change>,
}

struct Fill<'a> {
    order: &'a ExternalId,
    execution: &'a ExternalId,
    side: Side,
    cumulative: Quantity,
    notional: Money,
    at: Timestamp,
}

impl Fill<'_> {
    /// Whether `shares` cost no more than one smallest unit at the average price of the order, so that none may be left of it
    /// after rounding.
    fn is_dust(&self, shares: Quantity) -> bool {
        let cost = Decimal::from(self.notional.minor()).checked_mul(shares.get());
        cost.is_some_and(|cost| cost <= self.cumulative.get())
    }
}

impl<'e> HoldingFold<'e> {
    /// Starts from `holding`; `facts` are those that will be applied.
    pub(super) fn new(holding: Holding, facts: &[&Fact], elsewhere: &'e Elsewhere) -> Self {
        let Holding { account, symbol, position, orders, changes } = holding;
        let mut busts = BTreeMap::new();
        for fact in facts {
            if let FactKind::Bust { execution } = &fact.kind {
                busts.entry(execution.clone()).or_insert(fact.at);
            }
        }
        Self {
            account,
            symbol,
            position,
            orders: orders.into_iter().map(|order| (order.id.clone(), order)).collect(),
            changes: changes.into_iter().map(|change| (change.id.clone(), change)).collect(),
            busts,
            applied_busts: BTreeSet::new(),
            named_orders: BTreeSet::new(),
            reviews: BTreeSet::new(),
            reports: BTreeMap::new(),
            elsewhere,
        }
    }

    /// Applies facts that are in chronological order.
    pub(super) fn apply(mut self, facts: &[&Fact]) -> Result<Self, LedgerError> {
        for fact in facts {
            self.position.last_at = fact.at;
            match &fact.kind {
                FactKind::Order { order, side, status, quantity, reserve } => {
                    let entry = self.order(order, *side, fact.at);
                    entry.quantity = quantity.or(entry.quantity);
                    entry.reserve = reserve.or(entry.reserve);
                    self.update_status(order, *status);
                }
                FactKind::Fill { order, execution, side, cumulative, notional } => self.fill(&Fill {
                    order,
                    execution,
                    side: *side,
                    cumulative: *cumulative,
                    notional: *notional,
                    at: fact.at,
                })?,
                FactKind::Bust { execution } => self.bust(execution, fact.at)?,
                FactKind::Split { entry, change } => self.split(entry, *change, fact.at)?,
                FactKind::Adjustment { entry, change, cost } => {
                    // What a person posted is done: the shares move, and what it leaves is reviewed.
                    if let Some(kind) = self.position.adjust(*change, *cost)? {
                        self.add_review(kind, entry, fact.at);
                    }
                }
                FactKind::Account { .. }
                | FactKind::Transfer { .. }
                | FactKind::Coins { .. }
                | FactKind::Cash { .. }
                | FactKind::Superseded { .. }
                | FactKind::Journal { .. } => {}
            }
        }
        Ok(self)
    }

    /// The order `id`, created if it is new.
    fn order(&mut self, id: &ExternalId, side: Side, at: Timestamp) -> &mut Order {
        self.named_orders.insert(id.clone());
        let order = self.orders.entry(id.clone()).or_insert_with(|| Order {
            id: id.clone(),
            side,
            status: OrderStatus::Open,
            quantity: None,
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

    /// A final order stays final; of two final statuses, the later one holds.
    fn update_status(&mut self, id: &ExternalId, status: OrderStatus) {
        let Some(order) = self.orders.get_mut(id) else { return };
        if !order.status.is_final() {
            order.status = status;
        } else if status.is_final() && status != order.status {
            order.status = status;
            let at = order.last_at;
            self.reviews.insert(Review { kind: ReviewKind::Contradiction, about: id.clone(), at });
        }
    }

    /// A fill moves as many shares as the cumulative quantity of its order grew by.
    fn fill(&mut self, fill: &Fill<'_>) -> Result<(), LedgerError> {
        if self.is_repeated(fill) {
            return Ok(());
        }
        if self.elsewhere.contains_key(fill.execution) {
            self.add_review(ReviewKind::ExecutionElsewhere, fill.execution, fill.at);
        }
        let (status, quantity, notional) = self.advance(fill)?;
        let kind = ChangeKind::Fill { order: fill.order.clone(), side: fill.side, notional };
        let change = Change { id: fill.execution.clone(), kind, quantity, status, at: fill.at };
        self.changes.insert(fill.execution.clone(), change);
        Ok(())
    }

    fn advance(&mut self, fill: &Fill<'_>) -> Result<(ChangeStatus, Quantity, Money), LedgerError> {
        let is_bust_applied = self.applied_busts.contains(fill.execution);
        let is_busted = self.busts.contains_key(fill.execution);
        let elsewhere = self.elsewhere.get(fill.execution).copied();
        let nothing = |status| Ok((status, Quantity::ZERO, Money::zero(fill.notional.currency())));
        let order = self.order(fill.order, fill.side, fill.at);
        let sum = order.notional.unwrap_or(Money::zero(fill.notional.currency()));
        if sum.currency() != fill.notional.currency() {
            self.add_review(ReviewKind::CurrencyMixed, fill.execution, fill.at);
            return nothing(ChangeStatus::Parked);
        }
        let is_filled_that_far = fill.cumulative <= order.cumulative;
        let is_overfilled = order.quantity.is_some_and(|quantity| fill.cumulative > quantity);
        if let Some(status) = elsewhere
            && (status == ChangeStatus::Busted || is_bust_applied || is_filled_that_far || is_overfilled)
        {
            return nothing(ChangeStatus::Parked);
        }
        if is_bust_applied {
            return nothing(ChangeStatus::Busted);
        }
        if is_filled_that_far {
            return nothing(if is_busted { ChangeStatus::Busted } else { ChangeStatus::Recorded });
        }
        if is_overfilled {
            self.add_review(ReviewKind::Overfilled, fill.execution, fill.at);
            return nothing(ChangeStatus::Parked);
        }
        let shares = fill.cumulative.minus(order.cumulative)?;
        let money = fill.notional.plus(sum.negated()?)?;
        order.cumulative = fill.cumulative;
        order.notional = Some(fill.notional);
        if order.status == OrderStatus::Open {
            order.status = OrderStatus::PartiallyFilled;
        }
        let status = if elsewhere.is_some() {
            // It fills its order, or the next execution would move its shares again.
            ChangeStatus::Parked
        } else if is_busted {
            ChangeStatus::Busted
        } else {
            self.move_shares(fill, shares, money)?
        };
        Ok((status, shares, money))
    }

    /// The first report of an execution holds. A second one that differs moves nothing and adds a review; the order that it
    /// names exists all the same.
    fn is_repeated(&mut self, fill: &Fill<'_>) -> bool {
        let report = (fill.cumulative, fill.notional);
        let first = *self.reports.entry(fill.execution.clone()).or_insert(report);
        let Some(change) = self.changes.get(fill.execution) else { return false };
        let is_same = first == report
            && matches!(
                &change.kind,
                ChangeKind::Fill { order, side, .. } if order == fill.order && *side == fill.side
            );
        if !is_same {
            self.order(fill.order, fill.side, fill.at);
            self.add_review(ReviewKind::Contradiction, fill.execution, fill.at);
        }
        true
    }

    fn move_shares(
        &mut self,
        fill: &Fill<'_>,
        shares: Quantity,
        money: Money,
    ) -> Result<ChangeStatus, LedgerError> {
        if money.minor() < 0 || (money.is_zero() && !fill.is_dust(shares)) {
            self.add_review(ReviewKind::Contradiction, fill.execution, fill.at);
        }
        let result = match fill.side {
            Side::Buy => self.position.trade(shares, money)?,
            Side::Sell => self.position.trade(Quantity::ZERO.minus(shares)?, money.negated()?)?,
        };
        // A short sale, or a buy is missing: whoever knows which must say so, and the shares are the broker's either way.
        if fill.side == Side::Sell && result.is_ok() && self.position.is_short() {
            self.add_review(ReviewKind::BeyondHolding, fill.execution, fill.at);
        }
        Ok(self.counted_or_parked(result, fill.execution, fill.at))
    }

    fn counted_or_parked(
        &mut self,
        result: Result<(), ReviewKind>,
        id: &ExternalId,
        at: Timestamp,
    ) -> ChangeStatus {
        match result {
            Ok(()) => ChangeStatus::Counted,
            Err(kind) => {
                self.add_review(kind, id, at);
                ChangeStatus::Parked
            }
        }
    }

    /// Takes the execution off its order: cumulative quantities of later fills are without it.
    fn bust(&mut self, execution: &ExternalId, at: Timestamp) -> Result<(), LedgerError> {
        if !self.applied_busts.insert(execution.clone()) {
            return Ok(());
        }
        let Some(change) = self.changes.get(execution) else { return Ok(()) };
        let (ChangeKind::Fill { order, notional, .. }, shares) = (&change.kind, change.quantity) else {
            return Ok(());
        };
        let Some(order) = self.orders.get_mut(order) else { return Ok(()) };
        order.cumulative = order.cumulative.minus(shares)?;
        if let Some(sum) = order.notional.filter(|sum| sum.currency() == notional.currency()) {
            order.notional = Some(sum.plus(notional.negated()?)?);
        }
        order.last_at = at;
        Ok(())
    }

    fn split(&mut self, entry: &ExternalId, change: Quantity, at: Timestamp) -> Result<(), LedgerError> {
        if let Some(existing) = self.changes.get(entry) {
            let is_split = matches!(existing.kind, ChangeKind::Split { .. });
            if !is_split || existing.quantity != change {
                self.add_review(ReviewKind::Contradiction, entry, at);
            }
            return Ok(());
        }
        let kind = ChangeKind::Split { before: self.position.quantity };
        let result = self.position.split(change)?;
        let status = self.counted_or_parked(result, entry, at);
        let change = Change { id: entry.clone(), kind, quantity: change, status, at };
        self.changes.insert(entry.clone(), change);
        Ok(())
    }

    fn add_review(&mut self, kind: ReviewKind, about: &ExternalId, at: Timestamp) {
        self.reviews.insert(Review { kind, about: about.clone(), at });
    }

    /// The state of every order and change that the facts touched.
    pub(super) fn into_state(self) -> Result<State, LedgerError> {
        self.into_diff(&HoldingSnapshot::default()).map(|(state, _)| state)
    }

    pub(super) fn into_snapshot(mut self) -> HoldingSnapshot {
        self.mark_unknown_busts();
        HoldingSnapshot { orders: self.orders, changes: self.changes }
    }

    /// The state of those orders and changes that differ from `before`, and the effects that `before` had and this state has
    /// not.
    pub(super) fn into_diff(mut self, before: &HoldingSnapshot) -> Result<(State, Vec<String>), LedgerError> {
        self.mark_unknown_busts();
        let Self { account, symbol, position, orders, changes, named_orders, reviews, .. } = self;
        let orders = orders.into_values().filter(|order| named_orders.contains(&order.id));
        let orders: Vec<Order> = orders.filter(|order| before.orders.get(&order.id) != Some(order)).collect();
        let changes = changes.into_values().filter(|change| before.changes.get(&change.id) != Some(change));
        let changes: Vec<Change> = changes.collect();
        let (mut postings, mut removed_effects) = (Vec::new(), Vec::new());
        for change in &changes {
            match effects::fill(&account, change)? {
                Some(posting) => postings.push(posting),
                None => removed_effects.extend(before.fill_effect(&account, &change.id)?),
            }
        }
        for order in &orders {
            postings.extend(effects::reserve(&account, order)?);
        }
        let row = Row::Holding(Holding { account, symbol, position, orders, changes });
        Ok((State { row, postings, reviews: reviews.into_iter().collect() }, removed_effects))
    }

    /// Records busts of unknown executions, so that the executions move nothing when they are reported later.
    fn mark_unknown_busts(&mut self) {
        for (execution, &at) in &self.busts {
            if self.changes.contains_key(execution) {
                continue;
            }
            let id = execution.clone();
            self.reviews.insert(Review { kind: ReviewKind::UnknownExecution, about: id.clone(), at });
            let (quantity, status) = (Quantity::ZERO, ChangeStatus::Busted);
            let change = Change { id: id.clone(), kind: ChangeKind::Unknown, quantity, status, at };
            self.changes.insert(id, change);
        }
    }
}

impl HoldingSnapshot {
    /// Effect of the posting of an execution, if it had one.
    fn fill_effect(&self, account: &ExternalId, id: &ExternalId) -> Result<Option<String>, LedgerError> {
        let Some(change) = self.changes.get(id) else { return Ok(None) };
        Ok(effects::fill(account, change)?.map(|posting| posting.effect().to_owned()))
    }
}
