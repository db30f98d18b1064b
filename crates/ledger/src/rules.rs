//! Ledger rules that an operator may set.

use domain::{Money, MoneyError};
use rust_decimal::{Decimal, RoundingStrategy};

/// Ledger rules that an operator may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Part of each USDC deposit that goes to the stash.
    pub stash_ratio: StashRatio,
}

/// A ratio from 0 to 1 with at most 6 decimal places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StashRatio(Decimal);

/// The number is not a valid stash ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stash ratio must be a number from 0 to 1 with at most 6 decimal places, such as 0.30")]
pub struct StashRatioError;

impl StashRatio {
    /// Most decimal places.
    const DIGITS_MAX: u32 = 6;

    /// Nothing goes to the stash.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// Checks a ratio.
    ///
    /// # Errors
    /// When it is below 0, above 1 or has too many decimal places.
    pub fn new(ratio: Decimal) -> Result<Self, StashRatioError> {
        let ratio = ratio.normalize();
        let is_part = (Decimal::ZERO..=Decimal::ONE).contains(&ratio) && ratio.scale() <= Self::DIGITS_MAX;
        if is_part { Ok(Self(ratio)) } else { Err(StashRatioError) }
    }

    /// The ratio as a decimal.
    #[must_use]
    pub const fn get(self) -> Decimal {
        self.0
    }

    /// The stash part of `whole`, rounded down to the smallest unit; the rest is for spending.
    ///
    /// # Errors
    /// [`MoneyError::OutOfRange`].
    ///
    /// ```
    /// use domain::{Currency, Money};
    /// let ratio = ledger::StashRatio::new("0.3".parse().unwrap()).unwrap();
    /// let whole = Money::from_minor(99, Currency::Usdc);
    /// assert_eq!(ratio.part_of(whole).unwrap().minor(), 29);
    /// ```
    pub fn part_of(self, whole: Money) -> Result<Money, MoneyError> {
        let part = Decimal::from(whole.minor()).checked_mul(self.0).ok_or(MoneyError::OutOfRange)?;
        let part = part.round_dp_with_strategy(0, RoundingStrategy::ToZero);
        let minor = i64::try_from(part).map_err(|_| MoneyError::OutOfRange)?;
        Ok(Money::from_minor(minor, whole.currency()))
    }
}

impl Default for Rules {
    /// 30 % of each deposit goes to the stash.
    fn default() -> Self {
        Self { stash_ratio: StashRatio(Decimal::from_parts(30, 0, 0, false, 2)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_from_0_to_1_with_6_decimal_places() {
        for (text, is_ratio) in
            [("0", true), ("1", true), ("0.30", true), ("-0.1", false), ("1.01", false), ("0.1234567", false)]
        {
            assert_eq!(StashRatio::new(text.parse().unwrap()).is_ok(), is_ratio, "{text}");
        }
        assert_eq!(Rules::default().stash_ratio, StashRatio::new("0.3".parse().unwrap()).unwrap());
    }
}
