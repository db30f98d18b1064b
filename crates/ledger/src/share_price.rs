//! The price at which a share is valued: its last close, or a later execution that is near what is known of it.

use domain::{Price, Quantity};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

/// An execution counts as a price only from half to double the reference. Beyond that it is in another currency, on another
/// side of a split, or wrong.
const EXECUTION_BAND: Decimal = Decimal::TWO;
/// A close is the reference for this long; after that, the executions themselves are.
const CLOSE_AGE_MAX: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Decimals of a price after a split.
const PRICE_DIGITS: u32 = 12;

/// The price of a share at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharePrice {
    /// In dollars.
    pub price: Price,
    /// When it was traded at that price.
    pub at: Timestamp,
}

impl SharePrice {
    /// How many of the latest executions of a share to pass to [`SharePrice::latest`].
    pub const EXECUTIONS: i64 = 5;
    /// Least value of an execution that has a price: the rounding of a dollar to cents is at most half a percent.
    pub const EXECUTION_CENTS_MIN: i64 = 100;

    /// The latest of `close` and those of the `executions` that are near the reference: near the close, or where it is
    /// missing or older than 30 days, near the median of the executions. They are in dollars, none of them busted.
    ///
    /// ```
    /// # use ledger::SharePrice;
    /// let share_price = |price: &str, at: &str| SharePrice { price: price.parse().unwrap(), at: at.parse().unwrap() };
    /// let close = share_price("207", "2026-03-02T21:00:00Z");
    /// let near = share_price("210", "2026-03-03T15:00:00Z");
    /// // Yen, taken for dollars.
    /// let far = share_price("31000", "2026-03-03T16:00:00Z");
    /// assert_eq!(SharePrice::latest(Some(close), &[far, near]), Some(near));
    /// assert_eq!(SharePrice::latest(Some(close), &[far]), Some(close));
    /// ```
    #[must_use]
    pub fn latest(close: Option<Self>, executions: &[Self]) -> Option<Self> {
        let median = median(executions);
        let reference = |at: Timestamp| {
            let recent = close.filter(|close| at.duration_since(close.at) <= CLOSE_AGE_MAX);
            recent.map(|close| close.price).or(median)
        };
        let later =
            executions.iter().filter(|share_price| close.is_none_or(|close| share_price.at > close.at));
        let near = later.filter(|share_price| {
            reference(share_price.at).is_some_and(|price| is_near(share_price.price, price))
        });
        near.max_by_key(|share_price| (share_price.at, share_price.price)).copied().or(close)
    }

    /// The price after a split at `at` of `before` shares into `change` more: of ten for one, a tenth. A price that is later
    /// than the split is one after it already.
    #[must_use]
    pub fn after_split(self, at: Timestamp, before: Quantity, change: Quantity) -> Self {
        let after = before.get() + change.get();
        let price = self.price.get().checked_mul(before.get()).and_then(|product| product.checked_div(after));
        let price = price.and_then(|price| Price::new(price.round_dp(PRICE_DIGITS)).ok());
        Self { price: price.filter(|_| at > self.at).unwrap_or(self.price), ..self }
    }
}

/// Of an even number, the lower of the two in the middle.
fn median(share_prices: &[SharePrice]) -> Option<Price> {
    let mut prices: Vec<Price> = share_prices.iter().map(|share_price| share_price.price).collect();
    prices.sort_unstable();
    prices.get(prices.len().saturating_sub(1) / 2).copied()
}

fn is_near(price: Price, reference: Price) -> bool {
    let is_at_most_double = |one: Price, other: Price| {
        other.get().checked_mul(EXECUTION_BAND).is_some_and(|double| one.get() <= double)
    };
    is_at_most_double(price, reference) && is_at_most_double(reference, price)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share_price(price: &str, day: i64) -> SharePrice {
        SharePrice { price: price.parse().unwrap(), at: Timestamp::from_second(day * 86_400).unwrap() }
    }

    #[test]
    fn a_split_divides_earlier_prices_alone() {
        // 10:1, 1:20, 3:1, and one of no shares, which is none.
        for (day, before, change, expected) in [
            (2, "10", "90", "20.7"),
            (1, "10", "90", "207"),
            (2, "33", "-31.35", "4140"),
            (2, "-10", "-20", "69"),
            (2, "0", "0", "207"),
        ] {
            let at = Timestamp::from_second(day * 86_400).unwrap();
            let split =
                share_price("207", 1).after_split(at, before.parse().unwrap(), change.parse().unwrap());
            assert_eq!(split.price.to_string(), expected, "{before} {change}");
        }
    }

    #[test]
    fn an_execution_is_a_price_only_near_the_reference() {
        for (close, executions, expected) in [
            (Some(("100", 1)), vec![("200", 2)], Some("200")),
            (Some(("100", 1)), vec![("200.01", 2)], Some("100")),
            (Some(("100", 1)), vec![("50", 2)], Some("50")),
            (Some(("100", 1)), vec![("49.99", 2)], Some("100")),
            // The later one counts.
            (Some(("100", 3)), vec![("110", 2)], Some("100")),
            (Some(("100", 1)), vec![("110", 2), ("120", 3), ("10", 4)], Some("120")),
            // After 30 days a price may have doubled.
            (Some(("100", 1)), vec![("310", 32), ("320", 33)], Some("320")),
            // Without a close, one among others that is far from them does not count.
            (None, vec![("10", 1), ("11", 2), ("31000", 3)], Some("11")),
            (None, vec![("10", 1)], Some("10")),
            (None, vec![], None),
        ] {
            let executions: Vec<SharePrice> =
                executions.into_iter().map(|(price, day)| share_price(price, day)).collect();
            let got = SharePrice::latest(close.map(|(price, day)| share_price(price, day)), &executions);
            assert_eq!(
                got.map(|share_price| share_price.price.to_string()).as_deref(),
                expected,
                "{close:?} {executions:?}"
            );
        }
    }
}
