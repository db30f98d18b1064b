//! What an operator may decide about the books.

use domain::{Money, MoneyError};
use rust_decimal::{Decimal, RoundingStrategy};

/// What an operator may decide about the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Which part of each deposit in USDC is put by.
    pub stash_ratio: StashRatio,
}

/// A part of the whole, 0 to 1, with at most [`StashRatio::DIGITS_MAX`] digits after the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StashRatio(Decimal);

/// The number is no part of a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a stash ratio is a number from 0 to 1 with at most 6 digits after the point, such as 0.30")]
pub struct StashRatioError;

impl StashRatio {
    /// Most digits after the point.
    pub const DIGITS_MAX: u32 = 6;

    /// Nothing is put by.
    pub const NOTHING: Self = Self(Decimal::ZERO);

    /// This part.
    ///
    /// # Errors
    /// When it is below 0, above 1 or too fine.
    pub fn new(ratio: Decimal) -> Result<Self, StashRatioError> {
        let ratio = ratio.normalize();
        let is_part = (Decimal::ZERO..=Decimal::ONE).contains(&ratio) && ratio.scale() <= Self::DIGITS_MAX;
        if is_part { Ok(Self(ratio)) } else { Err(StashRatioError) }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> Decimal {
        self.0
    }

    /// What is put by of `whole`: the ratio of it, down to the smallest unit, so that the two parts sum to the whole.
    ///
    /// # Errors
    /// [`MoneyError::OutOfRange`].
    ///
    /// ```
    /// use domain::{Currency, Money};
    /// let ratio = ledger::StashRatio::new("0.3".parse().unwrap()).unwrap();
    /// let whole = Money::from_minor(99, Currency::Usdc);
    /// assert_eq!(ratio.of(whole).unwrap().minor(), 29);
    /// ```
    pub fn of(self, whole: Money) -> Result<Money, MoneyError> {
        let part = Decimal::from(whole.minor()).checked_mul(self.0).ok_or(MoneyError::OutOfRange)?;
        let part = part.round_dp_with_strategy(0, RoundingStrategy::ToZero);
        let minor = i64::try_from(part).map_err(|_| MoneyError::OutOfRange)?;
        Ok(Money::from_minor(minor, whole.currency()))
    }
}

impl Default for Rules {
    /// 30 % of each deposit is put by.
    fn default() -> Self {
        Self { stash_ratio: StashRatio(Decimal::from_parts(30, 0, 0, false, 2)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_a_part_of_the_whole() {
        for (text, is_ratio) in
            [("0", true), ("1", true), ("0.30", true), ("-0.1", false), ("1.01", false), ("0.1234567", false)]
        {
            assert_eq!(StashRatio::new(text.parse().unwrap()).is_ok(), is_ratio, "{text}");
        }
        assert_eq!(Rules::default().stash_ratio, StashRatio::new("0.3".parse().unwrap()).unwrap());
    }
}
