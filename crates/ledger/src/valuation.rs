//! The value of balances and positions in dollars, at the latest prices.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use domain::{Currency, Money, MoneyError, Price, Quantity, Symbol, Total};
use rust_decimal::Decimal;

/// Prefix of a currency's text form. A ticker contains no `/`, so the share `EUR` differs from the currency.
const CURRENCY_PREFIX: &str = "currency/";

/// An asset with a price in dollars. Its text form is the ticker, or `currency/USDC`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PricedAsset {
    /// One share.
    Share(Symbol),
    /// One whole unit of a currency, such as one euro.
    Currency(Currency),
}

/// The text is not the name of a priced asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("priced asset must be a ticker such as AAPL or a currency such as currency/USDC")]
pub struct PricedAssetError;

/// The latest prices in dollars. US dollars need none.
pub type Prices = BTreeMap<PricedAsset, Price>;

/// A total value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Valuation {
    /// Total in US dollars.
    pub value: Money,
    /// Number of balances and positions that are left out because they have no price.
    pub unpriced: usize,
}

/// The value of `balances` at `prices` and of `positions` at their own, rounded once, halves to even. A nonzero balance or position without a
/// price is counted and left out. AUM is this over all accounts of all holders, the receivable included, and all positions.
///
/// # Errors
/// [`MoneyError::OutOfRange`].
///
/// ```
/// use domain::{Currency, Money};
/// let prices = ledger::Prices::from([("currency/USDC".parse().unwrap(), "0.9998".parse().unwrap())]);
/// let balances = [Money::from_minor(10_050, Currency::Usd), Money::from_minor(10_000_000, Currency::Usdc)];
/// let worth = ledger::value(balances, [("2".parse().unwrap(), None)], &prices).unwrap();
/// // 100.50 + 10 × 0.9998 = 110.498; two shares have no price.
/// assert_eq!((worth.value.minor(), worth.unpriced), (11_050, 1));
/// ```
pub fn value(
    balances: impl IntoIterator<Item = impl Into<Total>>,
    positions: impl IntoIterator<Item = (Quantity, Option<Price>)>,
    prices: &Prices,
) -> Result<Valuation, MoneyError> {
    let balances = balances
        .into_iter()
        .map(Into::into)
        .map(|total: Total| Ok((price_of(total.currency(), prices), total.to_decimal()?)));
    let positions =
        positions.into_iter().map(|(shares, price)| Ok((price.map(|price| price.get()), shares.get())));
    let (mut sum, mut unpriced) = (Decimal::ZERO, 0);
    for priced in balances.chain(positions) {
        let (price, number) = priced?;
        match price {
            Some(price) => {
                let worth = number.checked_mul(price).ok_or(MoneyError::OutOfRange)?;
                sum = sum.checked_add(worth).ok_or(MoneyError::OutOfRange)?;
            }
            None if number.is_zero() => {}
            None => unpriced += 1,
        }
    }
    Ok(Valuation { value: Money::from_decimal_rounded(sum, Currency::Usd)?, unpriced })
}

fn price_of(currency: Currency, prices: &Prices) -> Option<Decimal> {
    if currency == Currency::Usd {
        return Some(Decimal::ONE);
    }
    prices.get(&PricedAsset::Currency(currency)).map(|price| price.get())
}

impl fmt::Display for PricedAsset {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share(symbol) => symbol.fmt(out),
            Self::Currency(currency) => write!(out, "{CURRENCY_PREFIX}{currency}"),
        }
    }
}

impl FromStr for PricedAsset {
    type Err = PricedAssetError;

    fn from_str(text: &str) -> Result<Self, PricedAssetError> {
        match text.strip_prefix(CURRENCY_PREFIX) {
            Some(code) => code.parse().map(Self::Currency).map_err(|_| PricedAssetError),
            None => text.parse().map(Self::Share).map_err(|_| PricedAssetError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_and_a_currency_of_one_name_are_two_things() {
        for text in ["EUR", "currency/EUR"] {
            assert_eq!(text.parse::<PricedAsset>().unwrap().to_string(), text);
        }
        assert_ne!("EUR".parse::<PricedAsset>(), "currency/EUR".parse());
        assert_eq!("currency/DOGE".parse::<PricedAsset>(), Err(PricedAssetError));
    }

    #[test]
    fn a_dollar_token_is_not_a_dollar() {
        let token = Money::from_minor(1_000_000, Currency::Usdc);
        let worth = value([token], [], &Prices::new()).unwrap();
        assert_eq!((worth.value.minor(), worth.unpriced), (0, 1));
        let nothing = value([Money::zero(Currency::Usdc)], [], &Prices::new()).unwrap();
        assert_eq!(nothing.unpriced, 0);
    }

    #[test]
    fn a_sum_is_rounded_once_and_a_debt_counts() {
        let shares = ["0.5", "0.25"].map(|shares| (shares.parse().unwrap(), "187.334".parse().ok()));
        // By hand: 93.667 + 46.8335 − 40.00 = 100.5005.
        let worth = value([Money::from_minor(-4_000, Currency::Usd)], shares, &Prices::new()).unwrap();
        assert_eq!(worth.value.minor(), 10_050);
    }
}
