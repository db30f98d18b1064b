//! Numbers of shares and their prices, as exact decimals.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

use crate::decimal;
use crate::money::{Currency, Money, MoneyError};
use crate::text::text_form;

/// Most decimal places of a quantity or a price. Brokers report nine for shares.
const FRACTION_DIGITS_MAX: u32 = 12;
/// Largest number of shares and largest price.
const LARGEST: Decimal = Decimal::from_parts(0xd4a5_1000, 0xe8, 0, false, 0);

/// A positive or negative number of shares: at most 10^12, with at most 12 decimal places.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Quantity(Decimal);

/// The price of one share: 0 to 10^12, with at most 12 decimal places.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price(Decimal);

/// The number is not a valid quantity or price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be a decimal number such as 12.5, at most 10^12, with at most 12 decimal places")]
pub struct NumberError {
    what: &'static str,
}

fn checked(number: Decimal, what: &'static str) -> Result<Decimal, NumberError> {
    let number = number.normalize();
    let is_in_range = number.abs() <= LARGEST && number.scale() <= FRACTION_DIGITS_MAX;
    if is_in_range { Ok(number) } else { Err(NumberError { what }) }
}

impl Quantity {
    /// No shares.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// Checks a number of shares.
    ///
    /// # Errors
    /// When it is out of range.
    pub fn new(shares: Decimal) -> Result<Self, NumberError> {
        checked(shares, "quantity").map(Self)
    }

    /// The number as a decimal.
    #[must_use]
    pub const fn get(self) -> Decimal {
        self.0
    }

    /// Whether the quantity is zero.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// Adds two quantities.
    ///
    /// # Errors
    /// When the sum is out of range.
    pub fn plus(self, other: Self) -> Result<Self, NumberError> {
        Self::new(self.0 + other.0)
    }

    /// Subtracts `other`.
    ///
    /// # Errors
    /// When the difference is out of range.
    pub fn minus(self, other: Self) -> Result<Self, NumberError> {
        Self::new(self.0 - other.0)
    }
}

impl Price {
    /// Checks a price.
    ///
    /// # Errors
    /// When it is negative or out of range.
    pub fn new(price: Decimal) -> Result<Self, NumberError> {
        let price = checked(price, "price")?;
        if price.is_sign_negative() && !price.is_zero() {
            return Err(NumberError { what: "price" });
        }
        Ok(Self(price))
    }

    /// The number as a decimal.
    #[must_use]
    pub const fn get(self) -> Decimal {
        self.0
    }

    /// The price of `quantity` shares, rounded to the smallest unit, halves to even.
    ///
    /// # Errors
    /// [`MoneyError::OutOfRange`].
    pub fn times(self, quantity: Quantity, currency: Currency) -> Result<Money, MoneyError> {
        let product = self.0.checked_mul(quantity.get()).ok_or(MoneyError::OutOfRange)?;
        Money::from_decimal_rounded(product, currency)
    }
}

macro_rules! as_text {
    ($name:ident, $what:literal) => {
        impl FromStr for $name {
            type Err = NumberError;

            fn from_str(text: &str) -> Result<Self, NumberError> {
                Self::new(decimal::parse(text).ok_or(NumberError { what: $what })?)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(out)
            }
        }

        // As text, because many clients would read a JSON number as a float.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }

        text_form!($name);
    };
}

as_text!(Quantity, "quantity");
as_text!(Price, "price");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_decimals_parse_and_everything_else_is_refused() {
        for (text, expected) in [
            ("1", Some("1")),
            ("-1.50", Some("-1.5")),
            ("0.000000001", Some("0.000000001")),
            ("1000000000000", Some("1000000000000")),
            ("1000000000000.1", None),
            ("0.0000000000001", None),
            ("+1", None),
            ("1e5", None),
            (".5", None),
            ("5.", None),
            ("1 ", None),
            ("", None),
            ("-", None),
            ("1_0", None),
            ("0.00000000000000000000000000000000000000001", None),
        ] {
            let got = text.parse::<Quantity>().ok().map(|quantity| quantity.to_string());
            assert_eq!(got.as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_price_is_not_negative() {
        assert!("-0.01".parse::<Price>().is_err());
        assert!("0".parse::<Price>().is_ok());
    }

    #[test]
    fn a_cost_is_rounded_once() {
        let price: Price = "187.3333".parse().unwrap();
        let quantity: Quantity = "0.333333333".parse().unwrap();
        // 62.4444332708889 by hand.
        assert_eq!(price.times(quantity, Currency::Usd).unwrap().minor(), 6244);
    }
}
