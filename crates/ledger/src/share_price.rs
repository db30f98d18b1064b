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

    /// The price after `split`, given the last close before this price, or this price if it is the close: of ten for one, a
    /// tenth. A price after the split is not divided again: a later one, one whose close is of the day of the split or
    /// later, and one that is nearer, by ratio, to the close after the split than to the close.
    #[must_use]
    pub fn after_split(self, split: &ShareSplit, close: Option<Self>) -> Self {
        let is_after = |close: Self| {
            day(close.at) >= day(split.at)
                || split.divide(close.price).is_some_and(|after| is_nearer(self.price, after, close.price))
        };
        if self.at >= split.at || close.is_some_and(is_after) {
            return self;
        }
        Self { price: split.divide(self.price).unwrap_or(self.price), ..self }
    }
}

/// A split in one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShareSplit {
    /// When the broker reported it.
    pub at: Timestamp,
    /// Shares before it.
    pub before: Quantity,
    /// How many more there are after it.
    pub change: Quantity,
}

impl ShareSplit {
    /// A price before the split in shares after it; `None` of no shares.
    fn divide(&self, price: Price) -> Option<Price> {
        if self.before.is_zero() {
            return None;
        }
        let after = self.before.get() + self.change.get();
        let price = price.get().checked_mul(self.before.get())?.checked_div(after)?;
        Price::new(price.round_dp(PRICE_DIGITS)).ok()
    }
}

/// The day in UTC, counted from 1970.
fn day(at: Timestamp) -> i64 {
    at.as_second().div_euclid(86_400)
}

/// Whether `price` is nearer, by ratio, to `one` than to `other`.
fn is_nearer(price: Price, one: Price, other: Price) -> bool {
    let ratio = |reference: Price| {
        let (low, high) = (price.min(reference), price.max(reference));
        high.get().checked_div(low.get())
    };
    ratio(one).zip(ratio(other)).is_some_and(|(one, other)| one < other)
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
        // 10:1, 1:20, 3:1, and two of no shares, which are none.
        for (day, before, change, expected) in [
            (2, "10", "90", "20.7"),
            (1, "10", "90", "207"),
            (2, "33", "-31.35", "4140"),
            (2, "-10", "-20", "69"),
            (2, "0", "0", "207"),
            (2, "0", "10", "207"),
        ] {
            let price = share_price("207", 1);
            let split = split(day, before, change);
            assert_eq!(price.after_split(&split, None).price.to_string(), expected, "{before} {change}");
            assert_eq!(price.after_split(&split, Some(price)).price.to_string(), expected, "the close");
        }
    }

    fn split(day: i64, before: &str, change: &str) -> ShareSplit {
        let at = Timestamp::from_second(day * 86_400).unwrap();
        ShareSplit { at, before: before.parse().unwrap(), change: change.parse().unwrap() }
    }

    /// Two for one: traded at 104 after a close of 207 it has happened. √(207 × 103.5) = 146.4 is between.
    #[test]
    fn a_price_after_a_split_is_not_divided_again() {
        let split =
            ShareSplit { at: Timestamp::from_second(3 * 86_400 + 3_600).unwrap(), ..split(3, "10", "10") };
        for (execution, close_day, expected) in [
            ("104", 1, "104"),
            ("146.3", 1, "146.3"),
            ("146.5", 1, "73.25"),
            ("200", 1, "100"),
            // The close of the day of the split is after it.
            ("200", 3, "200"),
        ] {
            let close = Some(share_price("207", close_day));
            let price = share_price(execution, close_day.max(2)).after_split(&split, close);
            assert_eq!(price.price.to_string(), expected, "{execution} {close_day}");
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
