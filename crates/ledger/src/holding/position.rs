//! How fills and splits change a position and its cost.

use domain::{Money, Quantity};
use rust_decimal::{Decimal, RoundingStrategy};

use crate::error::LedgerError;
use crate::state::{Position, ReviewKind};

// The inner error is why a change is parked: it would leave an impossible position.
impl Position {
    /// Adds shares and their cost. A negative cost, from an order whose executions contradict each other, reduces the total
    /// cost, but not below zero.
    pub(super) fn buy(
        &mut self,
        shares: Quantity,
        cost: Money,
    ) -> Result<Result<(), ReviewKind>, LedgerError> {
        let before = self.cost.unwrap_or(Money::zero(cost.currency()));
        if before.currency() != cost.currency() {
            return Ok(Err(ReviewKind::CurrencyMixed));
        }
        let after = before.plus(cost)?;
        self.quantity = self.quantity.plus(shares)?;
        self.cost = Some(Money::from_minor(after.minor().max(0), after.currency()));
        Ok(Ok(()))
    }

    /// Removes shares and their part of the cost, rounded to the smallest unit, halves to even.
    pub(super) fn sell(
        &mut self,
        shares: Quantity,
        proceeds: Money,
    ) -> Result<Result<(), ReviewKind>, LedgerError> {
        if shares > self.quantity {
            return Ok(Err(ReviewKind::BeyondHolding));
        }
        let Some(cost) = self.cost.filter(|cost| cost.currency() == proceeds.currency()) else {
            return Ok(Err(ReviewKind::CurrencyMixed));
        };
        let remaining = self.quantity.minus(shares)?;
        let part = part(cost, remaining, self.quantity);
        self.quantity = remaining;
        self.cost = (!remaining.is_zero()).then_some(part);
        Ok(Ok(()))
    }

    /// Adds or removes shares for the same cost. An empty position cannot be split.
    pub(super) fn split(&mut self, change: Quantity) -> Result<Result<(), ReviewKind>, LedgerError> {
        let after = self.quantity.plus(change)?;
        if self.quantity.is_zero() || after <= Quantity::ZERO {
            return Ok(Err(ReviewKind::BeyondHolding));
        }
        self.quantity = after;
        Ok(Ok(()))
    }
}

/// `cost` × `remaining` / `whole`, where `remaining` is at most `whole` and `whole` is not zero.
fn part(cost: Money, remaining: Quantity, whole: Quantity) -> Money {
    // The ratio has 28 digits, the cost at most 19 before the point: the product is rounded once, far below one unit.
    let ratio = remaining.get().checked_div(whole.get()).unwrap_or(Decimal::ZERO);
    let exact = Decimal::from(cost.minor()).checked_mul(ratio).unwrap_or(Decimal::ZERO);
    let minor = exact.round_dp_with_strategy(0, RoundingStrategy::MidpointNearestEven);
    Money::from_minor(i64::try_from(minor).unwrap_or(cost.minor()), cost.currency())
}

#[cfg(test)]
mod tests {
    use domain::Currency;
    use jiff::Timestamp;

    use super::*;

    fn position(quantity: &str, cents: i64) -> Position {
        let quantity = quantity.parse().unwrap();
        let cost = Some(Money::from_minor(cents, Currency::Usd));
        Position { quantity, cost, last_at: Timestamp::UNIX_EPOCH }
    }

    fn usd(cents: i64) -> Money {
        Money::from_minor(cents, Currency::Usd)
    }

    #[test]
    fn a_sale_takes_its_part_of_the_cost() {
        // By hand: (shares, cost in cents, sold) → remaining cost.
        for (quantity, cents, sold, remaining) in [
            ("10", 1000, "4", 600),
            ("3", 100, "1", 67),
            ("3", 100, "2", 33),
            // 0.5 of a cent goes to the even neighbour.
            ("2", 1, "1", 0),
            ("2", 3, "1", 2),
            ("0.000000001", 1, "0.0000000005", 0),
            ("1000000000000", i64::MAX, "0.000000000001", i64::MAX),
        ] {
            let mut position = position(quantity, cents);
            assert_eq!(position.sell(sold.parse().unwrap(), usd(1)).unwrap(), Ok(()));
            assert_eq!(position.cost, Some(usd(remaining)), "{sold} of {quantity}");
        }
    }

    #[test]
    fn a_position_sold_whole_has_no_cost() {
        let mut position = position("3", 100);
        assert_eq!(position.sell("3".parse().unwrap(), usd(1)).unwrap(), Ok(()));
        assert_eq!((position.quantity, position.cost), (Quantity::ZERO, None));
    }

    #[test]
    fn an_impossible_change_moves_nothing() {
        let before = position("3", 100);
        for attempt in 0..4 {
            let mut position = before;
            let got = match attempt {
                0 => position.sell("3.1".parse().unwrap(), usd(1)).unwrap(),
                1 => position.split("-3".parse().unwrap()).unwrap(),
                2 => position.buy("1".parse().unwrap(), Money::from_minor(1, Currency::Eur)).unwrap(),
                _ => position.sell("1".parse().unwrap(), Money::from_minor(1, Currency::Eur)).unwrap(),
            };
            assert!(got.is_err(), "{attempt}");
            assert_eq!(position, before, "{attempt}");
        }
        let mut nothing = Position { quantity: Quantity::ZERO, cost: None, ..before };
        assert!(nothing.split("3".parse().unwrap()).unwrap().is_err());
    }
}
