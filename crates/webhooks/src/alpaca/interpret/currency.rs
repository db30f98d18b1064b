//! The currency of an amount: as it is named, and never assumed of an account that trades in a local currency.
//!
//! Orders have no `currency`, and their figures are in the currency of the account. A conversion (`swap_rate`,
//! `swap_fee_bps`, `usd`) shows that it is a local one (docs.alpaca.markets/docs/local-currency-trading-lct). Without a
//! conversion the default of the broker's API holds, which is USD.

use domain::Currency;
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::extract;
use crate::interpretation::Unhandled;
use crate::json::Field;

/// The fields of an event, an order or an entry that tell its currency.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(super) struct CurrencyFields<'a> {
    #[serde(borrow)]
    currency: Field<'a>,
    swap_rate: Field<'a>,
    swap_fee_bps: Field<'a>,
    usd: Field<'a>,
}

impl<'a> CurrencyFields<'a> {
    pub(super) fn new(currency: Field<'a>, swap_rate: Field<'a>, swap_fee_bps: Field<'a>) -> Self {
        Self { currency, swap_rate, swap_fee_bps, usd: Field::default() }
    }

    /// Each field of `self`, or that of `other` where it is missing.
    pub(super) fn or(self, other: Self) -> Self {
        let first = |one: Field<'a>, other| if one.is_present() { one } else { other };
        Self {
            currency: first(self.currency, other.currency),
            swap_rate: first(self.swap_rate, other.swap_rate),
            swap_fee_bps: first(self.swap_fee_bps, other.swap_fee_bps),
            usd: first(self.usd, other.usd),
        }
    }

    /// The currency of amounts.
    pub(super) fn currency(&self) -> Result<Currency, Unhandled> {
        let is_converted = self.is_converted()?;
        let named = self.currency.is_present().then(|| extract::currency(self.currency)).transpose()?;
        match named {
            // Dollars need no conversion: one of the two fields is wrong.
            Some(Currency::Usd) | None if is_converted => Err(Unhandled::Currency),
            named => Ok(named.unwrap_or(Currency::Usd)),
        }
    }

    /// Whether a fee of the conversion is part of the cash, and not of shares × price.
    pub(super) fn has_conversion_fee(&self) -> Result<bool, Unhandled> {
        let fee = extract::number_if_present(self.swap_fee_bps, "swap_fee_bps")?;
        Ok(fee.is_some_and(|fee| !fee.is_zero()))
    }

    fn is_converted(&self) -> Result<bool, Unhandled> {
        let rate = extract::number_if_present(self.swap_rate, "swap_rate")?;
        let is_rate = rate.is_some_and(|rate| rate != Decimal::ONE);
        Ok(is_rate || self.usd.is_present() || self.has_conversion_fee()?)
    }
}
