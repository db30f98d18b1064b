//! How fills and splits change a position and its cost.

use domain::{Money, Quantity};
use rust_decimal::{Decimal, RoundingStrategy};

use crate::error::LedgerError;
use crate::state::{Position, ReviewKind};

// The inner error is why a change is parked: it would leave an impossible position.
impl Position {
    /// Adds the shares and the price of a trade: both positive of a buy, both negative of a sale. A trade against the position
    /// closes that part of its cost, rounded to the smallest unit, halves to even. What exceeds the position opens one on the
    /// other side, at its part of the price. An unknown cost stays unknown until the position is empty or on its other side.
    pub(super) fn trade(
        &mut self,
        shares: Quantity,
        price: Money,
    ) -> Result<Result<(), ReviewKind>, LedgerError> {
        let cost = self.cost.unwrap_or(Money::zero(price.currency()));
        if cost.currency() != price.currency() {
            return Ok(Err(ReviewKind::CurrencyMixed));
        }
        let after = self.quantity.plus(shares)?;
        let after_cost = if self.quantity.is_zero() || self.is_short() == is_negative(shares) {
            cost.plus(price)?
        } else if is_negative(after) == is_negative(shares) {
            part(price, after, shares)
        } else {
            part(cost, after, self.quantity)
        };
        // Executions of one order that contradict each other can have a price below zero.
        let is_same_side = !self.quantity.is_zero() && is_negative(after) == self.is_short();
        let is_unknown = self.cost.is_none() && is_same_side;
        let minor = if is_negative(after) { after_cost.minor().min(0) } else { after_cost.minor().max(0) };
        self.cost = (!after.is_zero() && !is_unknown).then_some(Money::from_minor(minor, cost.currency()));
        self.quantity = after;
        Ok(Ok(()))
    }

    /// Adds shares and cost as they are. Shares that are added without a cost make the cost of the position unknown, and then only a
    /// cost without shares makes it known; shares that are taken away without one take none. Returns what a person must look at: a position that changed
    /// its side, a cost that does not have its sign, or one in another currency, which is not added.
    pub(super) fn adjust(
        &mut self,
        change: Quantity,
        cost: Option<Money>,
    ) -> Result<Option<ReviewKind>, LedgerError> {
        let after = self.quantity.plus(change)?;
        let has_turned =
            !self.quantity.is_zero() && !after.is_zero() && is_negative(after) != self.is_short();
        let is_mixed =
            matches!((self.cost, cost), (Some(one), Some(other)) if one.currency() != other.currency());
        let has_grown = after.get().abs() > self.quantity.get().abs();
        let sum = match (self.cost, cost) {
            (_, None) if has_grown => None,
            (Some(before), Some(cost)) if !is_mixed => Some(before.plus(cost)?),
            (None, Some(_)) if !self.quantity.is_zero() && !change.is_zero() => None,
            (before, cost) => before.or(cost),
        };
        let minor = sum.map_or(0, Money::minor);
        let is_impossible = minor != 0 && (after.is_zero() || (minor < 0) != is_negative(after));
        self.quantity = after;
        self.cost = sum.filter(|_| !after.is_zero());
        let kind = if is_mixed { ReviewKind::CurrencyMixed } else { ReviewKind::BeyondHolding };
        Ok((is_mixed || has_turned || is_impossible).then_some(kind))
    }

    /// Whether shares are owed.
    pub(super) fn is_short(&self) -> bool {
        is_negative(self.quantity)
    }

    /// Adds or removes shares for the same cost. An empty position cannot be split, and none becomes empty or changes its side.
    pub(super) fn split(&mut self, change: Quantity) -> Result<Result<(), ReviewKind>, LedgerError> {
        let after = self.quantity.plus(change)?;
        if self.quantity.is_zero() || after.is_zero() || is_negative(after) != self.is_short() {
            return Ok(Err(ReviewKind::BeyondHolding));
        }
        self.quantity = after;
        Ok(Ok(()))
    }
}

fn is_negative(quantity: Quantity) -> bool {
    quantity < Quantity::ZERO
}

/// `cost` × `remaining` / `whole`, where `remaining` is at most `whole`, of the same sign, and `whole` is not zero.
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

    /// Shares (negative ones are sold) for cents.
    fn trade(position: &mut Position, shares: &str, cents: i64) {
        assert_eq!(position.trade(shares.parse().unwrap(), usd(cents)).unwrap(), Ok(()));
    }

    #[test]
    fn a_sale_takes_its_part_of_the_cost() {
        // By hand: (shares, cost in cents, sold) → remaining cost.
        for (quantity, cents, sold, remaining) in [
            ("10", 1000, "-4", 600),
            ("3", 100, "-1", 67),
            ("3", 100, "-2", 33),
            // 0.5 of a cent goes to the even neighbour.
            ("2", 1, "-1", 0),
            ("2", 3, "-1", 2),
            ("0.000000001", 1, "-0.0000000005", 0),
            ("1000000000000", i64::MAX, "-0.000000000001", i64::MAX),
            // A cover takes its part of the proceeds.
            ("-10", -1000, "4", -600),
        ] {
            let mut position = position(quantity, cents);
            trade(&mut position, sold, if cents > 0 { -1 } else { 1 });
            assert_eq!(position.cost, Some(usd(remaining)), "{sold} of {quantity}");
        }
    }

    #[test]
    fn a_trade_beyond_the_position_closes_it_and_opens_the_other_side() {
        // By hand: 150 sold for 9,000.00 of which 50 are short for 3,000.00; the same with a cover.
        for (quantity, cents, shares, price, left, remaining) in [
            ("100", 500_000, "-150", -900_000, "-50", Some(-300_000)),
            ("-100", -500_000, "150", 900_000, "50", Some(300_000)),
            ("3", 100, "-3", -120, "0", None),
            ("-3", -100, "3", 120, "0", None),
        ] {
            let mut position = position(quantity, cents);
            trade(&mut position, shares, price);
            assert_eq!((position.quantity.to_string(), position.cost), (left.to_owned(), remaining.map(usd)));
        }
    }

    #[test]
    fn an_adjustment_adds_shares_and_cost_and_reports_what_cannot_be() {
        let beyond = Some(ReviewKind::BeyondHolding);
        for ((quantity, cents), (change, cost), (left, remaining), expected) in [
            (("10", 1_000), ("5", Some(300)), ("15", Some(1_300)), None),
            (("10", 1_000), ("-10", Some(-1_000)), ("0", None), None),
            (("10", 1_000), ("5", None), ("15", None), None),
            (("10", 1_000), ("-5", None), ("5", Some(1_000)), None),
            (("10", 1_000), ("0", Some(-1_000)), ("10", Some(0)), None),
            (("-10", -1_000), ("-5", Some(-300)), ("-15", Some(-1_300)), None),
            (("10", 1_000), ("-10", Some(-999)), ("0", None), beyond),
            (("10", 1_000), ("-11", Some(-1_000)), ("-1", Some(0)), beyond),
            (("10", 1_000), ("0", Some(-1_001)), ("10", Some(-1)), beyond),
        ] {
            let mut position = position(quantity, cents);
            let got = position.adjust(change.parse().unwrap(), cost.map(usd)).unwrap();
            assert_eq!(got, expected, "{quantity} {change}");
            assert_eq!((position.quantity.to_string(), position.cost), (left.to_owned(), remaining.map(usd)));
        }
        let mut unknown = Position { quantity: Quantity::ZERO, cost: None, last_at: Timestamp::UNIX_EPOCH };
        assert_eq!(unknown.adjust("5".parse().unwrap(), None).unwrap(), None);
        assert_eq!(unknown.cost, None);
        // 5 of unknown cost: 5 more for 1.00, and a sale of 3, leave it unknown. 2.00 for all 7 make it known.
        assert_eq!(unknown.adjust("2".parse().unwrap(), Some(usd(100))).unwrap(), None);
        trade(&mut unknown, "3", 300);
        trade(&mut unknown, "-3", -600);
        assert_eq!((unknown.quantity.to_string(), unknown.cost), ("7".to_owned(), None));
        let mut turned = unknown;
        trade(&mut turned, "-10", -1_000);
        assert_eq!((turned.quantity.to_string(), turned.cost), ("-3".to_owned(), Some(usd(-300))));
        assert_eq!(unknown.adjust(Quantity::ZERO, Some(usd(200))).unwrap(), None);
        assert_eq!(unknown.cost, Some(usd(200)));
        let euro = Some(Money::from_minor(1, Currency::Eur));
        let mut mixed = position("10", 1_000);
        assert_eq!(mixed.adjust("1".parse().unwrap(), euro).unwrap(), Some(ReviewKind::CurrencyMixed));
        assert_eq!((mixed.quantity.to_string(), mixed.cost), ("11".to_owned(), Some(usd(1_000))));
    }

    #[test]
    fn an_impossible_change_moves_nothing() {
        let before = position("3", 100);
        for attempt in 0..3 {
            let mut position = before;
            let got = match attempt {
                0 => position.split("-3".parse().unwrap()).unwrap(),
                1 => position.split("-4".parse().unwrap()).unwrap(),
                _ => position.trade("1".parse().unwrap(), Money::from_minor(1, Currency::Eur)).unwrap(),
            };
            assert!(got.is_err(), "{attempt}");
            assert_eq!(position, before, "{attempt}");
        }
        let mut nothing = Position { quantity: Quantity::ZERO, cost: None, ..before };
        assert!(nothing.split("3".parse().unwrap()).unwrap().is_err());
        let mut short = position("-10", -100);
        assert_eq!(short.split("-90".parse().unwrap()).unwrap(), Ok(()));
        assert_eq!((short.quantity.to_string(), short.cost), ("-100".to_owned(), Some(usd(-100))));
    }
}
