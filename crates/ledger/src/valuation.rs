//! What balances and positions are worth in dollars, at the last marks.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use domain::{Currency, Money, MoneyError, Price, Quantity, Symbol};
use rust_decimal::Decimal;

/// What begins the text of a currency's mark: a ticker has no `/`, so that the share `EUR` is not the money.
const CURRENCY: &str = "currency/";

/// What has a price in dollars. Its text form is the ticker, or `currency/USDC`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Marked {
    /// A share.
    Share(Symbol),
    /// A whole unit of a currency, such as one euro.
    Currency(Currency),
}

/// The text names nothing that has a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a mark is of a ticker such as AAPL or of a currency such as currency/USDC")]
pub struct MarkedError;

/// The last price of each, in dollars. A dollar needs none.
pub type Marks = BTreeMap<Marked, Price>;

/// What things are worth together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Valuation {
    /// In dollars.
    pub value: Money,
    /// How many balances and positions are not in it, because no price of theirs is known.
    pub unpriced: usize,
}

/// What `balances` and `positions` are worth at `marks`: rounded once, halves to the even neighbour. What has no mark is
/// counted and left out; nothing is worth nothing without a mark. AUM is this over all accounts of all holders, the
/// receivable included, and all positions.
///
/// # Errors
/// [`MoneyError::OutOfRange`].
///
/// ```
/// use domain::{Currency, Money};
/// let marks = ledger::Marks::from([("currency/USDC".parse().unwrap(), "0.9998".parse().unwrap())]);
/// let balances = [Money::from_minor(10_050, Currency::Usd), Money::from_minor(10_000_000, Currency::Usdc)];
/// let worth = ledger::value(balances, [("AAPL".parse().unwrap(), "2".parse().unwrap())], &marks).unwrap();
/// // 100.50 + 10 × 0.9998 = 110.498; two shares have no price.
/// assert_eq!((worth.value.minor(), worth.unpriced), (11_050, 1));
/// ```
pub fn value(
    balances: impl IntoIterator<Item = Money>,
    positions: impl IntoIterator<Item = (Symbol, Quantity)>,
    marks: &Marks,
) -> Result<Valuation, MoneyError> {
    let balances = balances.into_iter().map(|money| (price_of(money.currency(), marks), money.to_decimal()));
    let positions = positions.into_iter().map(|(symbol, quantity)| {
        let price = marks.get(&Marked::Share(symbol)).map(|price| price.get());
        (price, quantity.get())
    });
    let (mut sum, mut unpriced) = (Decimal::ZERO, 0);
    for (price, number) in balances.chain(positions) {
        match price {
            Some(price) => {
                let worth = number.checked_mul(price).ok_or(MoneyError::OutOfRange)?;
                sum = sum.checked_add(worth).ok_or(MoneyError::OutOfRange)?;
            }
            None if number.is_zero() => {}
            None => unpriced += 1,
        }
    }
    Ok(Valuation { value: Money::rounded(sum, Currency::Usd)?, unpriced })
}

fn price_of(currency: Currency, marks: &Marks) -> Option<Decimal> {
    if currency == Currency::Usd {
        return Some(Decimal::ONE);
    }
    marks.get(&Marked::Currency(currency)).map(|price| price.get())
}

impl fmt::Display for Marked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share(symbol) => symbol.fmt(out),
            Self::Currency(currency) => write!(out, "{CURRENCY}{currency}"),
        }
    }
}

impl FromStr for Marked {
    type Err = MarkedError;

    fn from_str(text: &str) -> Result<Self, MarkedError> {
        match text.strip_prefix(CURRENCY) {
            Some(code) => code.parse().map(Self::Currency).map_err(|_| MarkedError),
            None => text.parse().map(Self::Share).map_err(|_| MarkedError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_and_a_currency_of_one_name_are_two_things() {
        for text in ["EUR", "currency/EUR"] {
            assert_eq!(text.parse::<Marked>().unwrap().to_string(), text);
        }
        assert_ne!("EUR".parse::<Marked>(), "currency/EUR".parse());
        assert_eq!("currency/DOGE".parse::<Marked>(), Err(MarkedError));
    }

    #[test]
    fn a_dollar_token_is_not_a_dollar() {
        let token = Money::from_minor(1_000_000, Currency::Usdc);
        let worth = value([token], [], &Marks::new()).unwrap();
        assert_eq!((worth.value.minor(), worth.unpriced), (0, 1));
        let nothing = value([Money::zero(Currency::Usdc)], [], &Marks::new()).unwrap();
        assert_eq!(nothing.unpriced, 0);
    }

    #[test]
    fn a_sum_is_rounded_once_and_a_debt_counts() {
        let marks = Marks::from([("AAPL".parse().unwrap(), "187.334".parse().unwrap())]);
        let shares = ["0.5", "0.25"].map(|shares| ("AAPL".parse().unwrap(), shares.parse().unwrap()));
        // By hand: 93.667 + 46.8335 − 40.00 = 100.5005.
        let worth = value([Money::from_minor(-4_000, Currency::Usd)], shares, &marks).unwrap();
        assert_eq!(worth.value.minor(), 10_050);
    }
}
