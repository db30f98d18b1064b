//! Money: a whole number of a currency's smallest unit.

use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::decimal;

/// The currencies by decimal places of their smallest unit, as in ISO 4217 for money of states.
macro_rules! currencies {
    ($({ is_token: $is_token:literal, digits: $digits:literal, $($code:ident $name:literal,)+ })+) => {
        /// A currency of the ledger. The US dollar and a token worth a dollar are two currencies that are never added up.
        /// Parsing ignores case.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "UPPERCASE")]
        #[derive(strum::Display, strum::EnumString, strum::IntoStaticStr)]
        #[strum(serialize_all = "UPPERCASE", ascii_case_insensitive)]
        #[strum(parse_err_ty = CurrencyError, parse_err_fn = unsupported)]
        pub enum Currency {
            $($(#[doc = $name] $code,)+)+
        }

        impl Currency {
            /// Decimal places of the smallest unit.
            pub(crate) const fn minor_digits(self) -> u32 {
                match self {
                    $($(Self::$code)|+ => $digits,)+
                }
            }

            /// Whether it is kept in a wallet, and not at a bank or broker.
            #[must_use]
            pub const fn is_token(self) -> bool {
                match self {
                    $($(Self::$code)|+ => $is_token,)+
                }
            }
        }
    };
}

currencies! {
    { is_token: false, digits: 2,
    Usd "US dollar.", Eur "Euro.", Gbp "Pound sterling.", Mxn "Mexican peso.", Brl "Brazilian real.",
    Aud "Australian dollar.", Cad "Canadian dollar.", Chf "Swiss franc.", Cny "Renminbi.", Cop "Colombian peso.",
    Czk "Czech koruna.", Dkk "Danish krone.", Hkd "Hong Kong dollar.", Huf "Forint.", Idr "Rupiah.", Ils "Shekel.",
    Inr "Indian rupee.", Nok "Norwegian krone.", Nzd "New Zealand dollar.", Pen "Sol.", Php "Philippine peso.",
    Pln "Zloty.", Ron "Leu.", Sek "Swedish krona.", Sgd "Singapore dollar.", Thb "Baht.", Try "Lira.",
    Twd "Taiwan dollar.", Zar "Rand.", }

    { is_token: false, digits: 0,
    Clp "Chilean peso.", Isk "Icelandic krona.", Jpy "Yen.", Krw "Won.", Vnd "Dong.", }

    { is_token: false, digits: 3,
    Bhd "Bahraini dinar.", Jod "Jordanian dinar.", Kwd "Kuwaiti dinar.", Omr "Omani rial.", Tnd "Tunisian dinar.", }

    { is_token: true, digits: 6,
    Usdc "USD Coin.", Eurc "Euro Coin.", Usdt "Tether.", Usdb "Bridge's dollar.", Pyusd "PayPal's dollar.", }

    { is_token: true, digits: 8,
    Btc "Bitcoin.", }
}

/// The text is not a supported currency.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unsupported currency {0:?}; expected a code such as USD, JPY or USDC")]
pub struct CurrencyError(String);

/// Longest currency code repeated in an error, in characters.
const CODE_CHARS_MAX: usize = 12;

/// A positive or negative amount in smallest units: `-12.34 USD` is -1234.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// Why an amount is not [`Money`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not a decimal number such as `12.34`.
    #[error("amount must be a decimal number such as 12.34")]
    Format,
    /// More decimal places than the currency has.
    #[error("amount has more decimal places than {0}")]
    TooPrecise(Currency),
    /// Does not fit 64 bits.
    #[error("amount is out of range")]
    OutOfRange,
    /// Two currencies in one sum.
    #[error("cannot add {0} and {1}")]
    MixedCurrencies(Currency, Currency),
}

impl Currency {
    /// The upper-case code.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

fn unsupported(code: &str) -> CurrencyError {
    CurrencyError(code.chars().take(CODE_CHARS_MAX).collect())
}

impl Money {
    /// An amount of `minor` smallest units.
    #[must_use]
    pub const fn from_minor(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// No money.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self::from_minor(0, currency)
    }

    /// The exact amount.
    ///
    /// # Errors
    /// [`MoneyError::TooPrecise`] or [`MoneyError::OutOfRange`].
    ///
    /// ```
    /// use domain::{Currency, Money};
    /// let amount = Money::from_decimal("12.30".parse().unwrap(), Currency::Usd).unwrap();
    /// assert_eq!(amount.minor(), 1230);
    /// assert!(Money::from_decimal("12.345".parse().unwrap(), Currency::Usd).is_err());
    /// ```
    pub fn from_decimal(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let fits = amount.normalize().scale() <= currency.minor_digits();
        if fits {
            Self::from_decimal_rounded(amount, currency)
        } else {
            Err(MoneyError::TooPrecise(currency))
        }
    }

    /// The amount rounded to the currency's smallest unit, halves to even (IEEE 754, 4.3.1).
    ///
    /// # Errors
    /// [`MoneyError::OutOfRange`].
    pub fn from_decimal_rounded(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let scale = Decimal::from(10_i64.pow(currency.minor_digits()));
        let minor = amount.checked_mul(scale).ok_or(MoneyError::OutOfRange)?;
        let minor = minor.round_dp_with_strategy(0, RoundingStrategy::MidpointNearestEven);
        let minor = i64::try_from(minor).map_err(|_| MoneyError::OutOfRange)?;
        Ok(Self::from_minor(minor, currency))
    }

    /// Parses an exact amount such as `12.34`.
    ///
    /// # Errors
    /// Any of [`MoneyError`] but [`MoneyError::MixedCurrencies`].
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        Self::from_decimal(decimal::parse(text).ok_or(MoneyError::Format)?, currency)
    }

    /// The number of smallest units.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency of the amount.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether the amount is zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// The amount in whole units of the currency.
    #[must_use]
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.minor, self.currency.minor_digits())
    }

    /// Adds two amounts of one currency.
    ///
    /// # Errors
    /// [`MoneyError::MixedCurrencies`] or [`MoneyError::OutOfRange`].
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::MixedCurrencies(self.currency, other.currency));
        }
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::OutOfRange)?;
        Ok(Self::from_minor(minor, self.currency))
    }

    /// The amount with the opposite sign.
    ///
    /// # Errors
    /// [`MoneyError::OutOfRange`] for `i64::MIN`.
    pub fn negated(self) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_neg().ok_or(MoneyError::OutOfRange)?;
        Ok(Self::from_minor(minor, self.currency))
    }
}

/// A sum of any number of amounts of one currency, in smallest units. An amount has 64 bits, and a sum 128.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    minor: i128,
    currency: Currency,
}

impl Total {
    /// A sum of `minor` smallest units.
    #[must_use]
    pub const fn from_minor(minor: i128, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// The number of smallest units.
    #[must_use]
    pub const fn minor(self) -> i128 {
        self.minor
    }

    /// The currency of the sum.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether the sum is zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// The sum in whole units of the currency.
    ///
    /// # Errors
    /// [`MoneyError::OutOfRange`] beyond 7.9 × 10^28 smallest units, which is more than 2^32 amounts add up to.
    ///
    /// ```
    /// use domain::{Currency, Total};
    /// let total = Total::from_minor(923 * 10_i128.pow(16), Currency::Usdc);
    /// assert_eq!(total.to_decimal().unwrap().to_string(), "9230000000000.000000");
    /// ```
    pub fn to_decimal(self) -> Result<Decimal, MoneyError> {
        Decimal::try_from_i128_with_scale(self.minor, self.currency.minor_digits())
            .map_err(|_| MoneyError::OutOfRange)
    }
}

impl From<Money> for Total {
    fn from(money: Money) -> Self {
        Self::from_minor(money.minor.into(), money.currency)
    }
}

impl fmt::Display for Money {
    /// Prints `12.34 USD`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.to_decimal(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_whole_smallest_units() {
        for (text, currency, expected) in [
            ("12.34", Currency::Usd, Ok(1234)),
            ("12.3400", Currency::Usd, Ok(1234)),
            ("-0.01", Currency::Usd, Ok(-1)),
            ("0.000001", Currency::Usdc, Ok(1)),
            // ISO 4217: a yen has no smaller unit, a Kuwaiti dinar a thousand; a bitcoin has 10^8.
            ("31000", Currency::Jpy, Ok(31_000)),
            ("1.5", Currency::Jpy, Err(MoneyError::TooPrecise(Currency::Jpy))),
            ("1.234", Currency::Kwd, Ok(1_234)),
            ("0.00000001", Currency::Btc, Ok(1)),
            ("92233720368547758.07", Currency::Usd, Ok(i64::MAX)),
            ("92233720368547758.08", Currency::Usd, Err(MoneyError::OutOfRange)),
            ("12.345", Currency::Usd, Err(MoneyError::TooPrecise(Currency::Usd))),
            ("1e3", Currency::Usd, Err(MoneyError::Format)),
            ("1_000", Currency::Usd, Err(MoneyError::Format)),
            ("", Currency::Usd, Err(MoneyError::Format)),
            ("NaN", Currency::Usd, Err(MoneyError::Format)),
        ] {
            assert_eq!(Money::parse(text, currency).map(Money::minor), expected, "{text:?}");
        }
    }

    #[test]
    fn halves_round_to_even() {
        for (text, expected) in [("0.005", 0), ("0.015", 2), ("0.025", 2), ("-0.015", -2), ("0.0251", 3)] {
            let amount = text.parse().unwrap();
            assert_eq!(
                Money::from_decimal_rounded(amount, Currency::Usd).unwrap().minor(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn two_currencies_do_not_add_up() {
        let dollar = Money::from_minor(100, Currency::Usd);
        let token = Money::from_minor(1_000_000, Currency::Usdc);
        assert_eq!(dollar.plus(token), Err(MoneyError::MixedCurrencies(Currency::Usd, Currency::Usdc)));
        assert_eq!(dollar.to_string(), "1.00 USD");
    }

    #[test]
    fn codes_parse_in_any_case() {
        assert_eq!("usdc".parse(), Ok(Currency::Usdc));
        assert!("doge".parse::<Currency>().is_err());
    }
}
