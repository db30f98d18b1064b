//! Opens, closes and scales lots.

use std::collections::VecDeque;

use domain::{ExternalId, Money, Quantity};
use jiff::Timestamp;
use rust_decimal::{Decimal, RoundingStrategy};

use super::{Gain, Lot, Lots};
use crate::error::LedgerError;

/// Decimal places of a number of shares.
const SHARE_DIGITS: u32 = 12;

/// Lots while changes are applied to them. All are long, or all are short.
#[derive(Default)]
pub(super) struct LotBook {
    open: VecDeque<OpenLot>,
    gains: Vec<Gain>,
    removed: Vec<Lot>,
    opened: Vec<Lot>,
}

struct OpenLot {
    lot: Lot,
    /// Shares and cost that the cost of what is left is computed from, so that roundings do not add up.
    whole: (Quantity, Option<Money>),
}

impl LotBook {
    pub(super) fn into_lots(self) -> Lots {
        let Self { open, gains, removed, opened } = self;
        Lots { open: open.into_iter().map(|each| each.lot).collect(), gains, removed, opened }
    }

    /// Applies an execution: shares and money are positive of a buy and negative of a sale. It closes lots of the other side, each
    /// for its part of the money, and opens one with what is left.
    pub(super) fn trade(
        &mut self,
        (id, at): (&ExternalId, Timestamp),
        shares: Quantity,
        money: Money,
    ) -> Result<(), LedgerError> {
        let (mut left, mut left_money) = (shares, money);
        while let Some(lot) = self.close_first(left)? {
            left = left.plus(lot.quantity)?;
            let rest = part(money, left, shares);
            let money = left_money.plus(rest.negated()?)?;
            left_money = rest;
            self.gains.push(Gain { lot, closed_by: id.clone(), closed_at: at, money });
        }
        if !left.is_zero() {
            let cost = Some(left_money);
            let lot = Lot { id: id.clone(), opened_at: at, is_traded: true, quantity: left, cost };
            self.opened.push(lot.clone());
            self.insert(lot);
        }
        Ok(())
    }

    /// Adds and removes shares and cost as a journal says. Shares that are removed take the cost of their lots with them, and a cost
    /// without shares is spread over the lots.
    pub(super) fn adjust(
        &mut self,
        (id, at): (&ExternalId, Timestamp),
        change: Quantity,
        cost: Option<Money>,
    ) -> Result<(), LedgerError> {
        if change.is_zero() {
            return cost.map_or(Ok(()), |cost| self.spread(cost));
        }
        let mut left = change;
        while let Some(lot) = self.close_first(left)? {
            left = left.plus(lot.quantity)?;
            self.removed.push(lot);
        }
        if !left.is_zero() {
            let cost = cost.filter(|_| left == change);
            self.insert(Lot { id: id.clone(), opened_at: at, is_traded: false, quantity: left, cost });
        }
        Ok(())
    }

    /// Scales the shares of all lots, whose sum changes by `change`. Cost and dates stay.
    pub(super) fn split(&mut self, change: Quantity) -> Result<(), LedgerError> {
        let before = self.sum()?;
        let after = before.plus(change)?;
        let (mut sum, mut scaled) = (Quantity::ZERO, Quantity::ZERO);
        for OpenLot { lot, whole } in &mut self.open {
            sum = sum.plus(lot.quantity)?;
            let end = Quantity::new(scale(after.get(), sum, before).round_dp(SHARE_DIGITS))?;
            lot.quantity = end.minus(scaled)?;
            *whole = (lot.quantity, lot.cost);
            scaled = end;
        }
        self.merge_empty()
    }

    fn sum(&self) -> Result<Quantity, LedgerError> {
        self.open.iter().try_fold(Quantity::ZERO, |sum, each| Ok(sum.plus(each.lot.quantity)?))
    }

    /// A lot of which a reverse split left nothing gives its cost to the one beside it.
    fn merge_empty(&mut self) -> Result<(), LedgerError> {
        while let Some(index) = self.open.iter().position(|each| each.lot.quantity.is_zero()) {
            let empty = self.open.remove(index);
            let beside = self.open.get_mut(index.saturating_sub(1));
            let (Some(empty), Some(OpenLot { lot, whole })) = (empty, beside) else { break };
            let costs = lot.cost.zip(empty.lot.cost);
            lot.cost = costs.map(|(one, other)| one.plus(other)).transpose()?;
            *whole = (lot.quantity, lot.cost);
        }
        Ok(())
    }

    /// Adds `cost` to the lots by what they cost; if that of some is unknown, `cost` is that of all, and those get what is not the
    /// others'. A cost in another currency is not added, as in the position.
    fn spread(&mut self, cost: Money) -> Result<(), LedgerError> {
        let known = self.open.iter().filter_map(|each| each.lot.cost);
        if known.clone().any(|known| known.currency() != cost.currency()) {
            return Ok(());
        }
        let sum = known.clone().try_fold(Money::zero(cost.currency()), Money::plus)?;
        let has_unknown = self.open.iter().any(|each| each.lot.cost.is_none());
        let (cost, by_cost) =
            if has_unknown { (cost.plus(sum.negated()?)?, false) } else { (cost, !sum.is_zero()) };
        let lots: Vec<&mut OpenLot> =
            self.open.iter_mut().filter(|each| !has_unknown || each.lot.cost.is_none()).collect();
        let weight = |lot: &Lot| match lot.cost.filter(|_| by_cost) {
            Some(cost) => Decimal::from(cost.minor()),
            None => lot.quantity.get(),
        };
        let total: Decimal = lots.iter().map(|each| weight(&each.lot)).sum();
        let (mut weights, mut spread) = (Decimal::ZERO, Money::zero(cost.currency()));
        for OpenLot { lot, whole } in lots {
            weights += weight(lot);
            let end = money_part(cost, weights, total);
            let share = end.plus(spread.negated()?)?;
            spread = end;
            lot.cost = Some(lot.cost.map_or(Ok(share), |cost| cost.plus(share))?);
            *whole = (lot.quantity, lot.cost);
        }
        Ok(())
    }

    /// Takes at most `left` shares of the other side out of the first lot; `None` if there is none.
    fn close_first(&mut self, left: Quantity) -> Result<Option<Lot>, LedgerError> {
        let is_other_side = |each: &&mut OpenLot| {
            !left.is_zero() && (each.lot.quantity < Quantity::ZERO) != (left < Quantity::ZERO)
        };
        let Some(OpenLot { lot, whole }) = self.open.front_mut().filter(is_other_side) else {
            return Ok(None);
        };
        let remaining = lot.quantity.plus(left)?;
        if remaining.is_zero() || (remaining < Quantity::ZERO) == (left < Quantity::ZERO) {
            return Ok(self.open.pop_front().map(|each| each.lot));
        }
        let cost = whole.1.map(|cost| part(cost, remaining, whole.0));
        let closed = lot.cost.zip(cost).map(|(cost, rest)| cost.plus(rest.negated()?)).transpose()?;
        let closed = Lot { quantity: Quantity::ZERO.minus(left)?, cost: closed, ..lot.clone() };
        (lot.quantity, lot.cost) = (remaining, cost);
        Ok(Some(closed))
    }

    /// Lots are in the order in which they were opened, those of one time by their ids.
    fn insert(&mut self, lot: Lot) {
        let is_before = |each: &OpenLot| (each.lot.opened_at, &each.lot.id) <= (lot.opened_at, &lot.id);
        let index = self.open.partition_point(is_before);
        self.open.insert(index, OpenLot { whole: (lot.quantity, lot.cost), lot });
    }
}

/// `money` × `shares` / `whole`, to the smallest unit, halves up.
fn part(money: Money, shares: Quantity, whole: Quantity) -> Money {
    money_part(money, shares.get(), whole.get())
}

fn money_part(money: Money, weight: Decimal, whole: Decimal) -> Money {
    let exact = if weight == whole {
        Decimal::from(money.minor())
    } else {
        let ratio = weight.checked_div(whole).unwrap_or(Decimal::ZERO);
        Decimal::from(money.minor()).checked_mul(ratio).unwrap_or(Decimal::ZERO)
    };
    let minor = exact.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    Money::from_minor(i64::try_from(minor).unwrap_or(money.minor()), money.currency())
}

/// `amount` × `shares` / `whole`, which is exact for all shares.
fn scale(amount: Decimal, shares: Quantity, whole: Quantity) -> Decimal {
    if shares == whole {
        return amount;
    }
    let ratio = shares.get().checked_div(whole.get()).unwrap_or(Decimal::ZERO);
    amount.checked_mul(ratio).unwrap_or(Decimal::ZERO)
}
