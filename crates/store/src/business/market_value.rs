//! The market value of money and shares at the last prices.

use std::collections::BTreeMap;

use domain::{Currency, Money, Quantity, Total};
use jiff::Timestamp;
use ledger::{LedgerError, PricedAsset, Prices, SharePrice};

use super::AssetPrice;
use crate::error::Error;

/// A value in dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarketValue {
    /// In dollars, rounded once.
    pub value: Money,
    /// Currencies and positions that are not included, because they have no price.
    pub unpriced: u64,
    /// The time of the oldest price; `None` if no price was needed.
    pub oldest_price_at: Option<Timestamp>,
}

/// The value of `money` and `shares` together.
pub(crate) fn market_value(
    money: &[Total],
    shares: &[(Quantity, Option<SharePrice>)],
    prices: &BTreeMap<PricedAsset, AssetPrice>,
) -> Result<MarketValue, Error> {
    let by_asset: Prices = prices.iter().map(|(asset, price)| (*asset, price.price)).collect();
    let priced = shares
        .iter()
        .map(|(shares, share_price)| (*shares, share_price.map(|share_price| share_price.price)));
    let valuation = ledger::value(money.iter().copied(), priced, &by_asset).map_err(LedgerError::from)?;
    let currencies = money.iter().filter(|money| !money.is_zero()).map(|money| money.currency());
    let currencies = currencies.filter(|currency| *currency != Currency::Usd).map(PricedAsset::Currency);
    let currencies_at = currencies.filter_map(|asset| prices.get(&asset)).map(|price| price.at);
    let share_prices =
        shares.iter().filter(|(quantity, _)| !quantity.is_zero()).filter_map(|(_, share_price)| *share_price);
    let oldest_price_at = currencies_at.chain(share_prices.map(|share_price| share_price.at)).min();
    Ok(MarketValue { value: valuation.value, unpriced: valuation.unpriced as u64, oldest_price_at })
}
