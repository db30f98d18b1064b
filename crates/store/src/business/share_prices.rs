//! The prices of shares: closes, and executions and splits as the folds of their facts leave them. What was busted prices
//! nothing.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Currency, Money, Price, Quantity, Symbol};
use jiff::Timestamp;
use ledger::{PricedAsset, SharePrice, ShareSplit};

use super::AssetPrice;
use super::prices::PRICE_AHEAD_MAX;
use super::returns::HolderScope;
use crate::database::{Row, Transaction, sql};
use crate::error::Error;

// Of a dollar or more, so that its rounding to cents is at most half a percent. The number is in the text so that the index
// `fills_latest` serves it.
const EXECUTIONS: &str = "SELECT quantity, notional, at FROM fills WHERE symbol = $1 AND kind = 'fill' \
    AND status = 'counted' AND currency = 'USD' AND notional >= 100 AND at <= $2 \
    ORDER BY at DESC, account, id LIMIT $3";
// Shares before a split are unknown where it was folded by a version that did not store them.
const SPLITS: &str = "SELECT account, quantity_before, quantity, at FROM fills WHERE kind = 'split' \
    AND status = 'counted' AND quantity_before IS NOT NULL AND quantity_before <> '0' AND at > $1 AND at <= $2 \
    AND symbol = ";
/// Decimals of the price of an execution.
const PRICE_DIGITS: u32 = 6;

/// The prices of shares in each account: an account has shares before a split until its broker reports the split there.
pub(super) struct SharePrices {
    by_symbol: BTreeMap<Symbol, SymbolPrice>,
    splits: BTreeMap<(String, Symbol), Vec<ShareSplit>>,
}

#[derive(Clone, Copy)]
struct SymbolPrice {
    price: SharePrice,
    close: Option<SharePrice>,
}

impl SharePrices {
    /// Of these symbols, in the accounts of `scope`, given their closes. What is dated after `now` has a wrong time.
    pub(super) async fn load(
        tx: &mut Transaction<'_>,
        closes: &BTreeMap<PricedAsset, AssetPrice>,
        symbols: BTreeSet<Symbol>,
        scope: HolderScope<'_>,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let at_max = now.saturating_add(PRICE_AHEAD_MAX).unwrap_or(Timestamp::MAX);
        let mut share_prices = Self { by_symbol: BTreeMap::new(), splits: BTreeMap::new() };
        for symbol in symbols {
            let close = closes.get(&PricedAsset::Share(symbol)).filter(|close| close.at <= at_max);
            let close = close.map(|close| SharePrice { price: close.price, at: close.at });
            let Some(price) = SharePrice::latest(close, &executions(tx, symbol, at_max).await?) else {
                continue;
            };
            share_prices.by_symbol.insert(symbol, SymbolPrice { price, close });
            let since = close.unwrap_or(price).at;
            share_prices.load_splits(tx, symbol, scope, (since, at_max)).await?;
        }
        Ok(share_prices)
    }

    async fn load_splits(
        &mut self,
        tx: &mut Transaction<'_>,
        symbol: Symbol,
        scope: HolderScope<'_>,
        (since, at_max): (Timestamp, Timestamp),
    ) -> Result<(), Error> {
        let account = if let HolderScope::Holder(account) = scope { Some(account.to_string()) } else { None };
        let splits = sql!(SPLITS, since, at_max)
            .push_value(symbol.as_str())
            .push_optional(" AND account = ", account)
            .push_sql(" ORDER BY at, id");
        for row in tx.fetch_all(splits).await? {
            let (before, change) = (row.parsed("quantity_before")?, row.parsed("quantity")?);
            let split = ShareSplit { at: row.time("at")?, before, change };
            self.splits.entry((row.text("account")?, symbol)).or_default().push(split);
        }
        Ok(())
    }

    /// The price of one share of `symbol` in `account`.
    pub(super) fn of(&self, account: &str, symbol: Symbol) -> Option<SharePrice> {
        let SymbolPrice { mut price, mut close } = *self.by_symbol.get(&symbol)?;
        for split in self.splits.get(&(account.to_owned(), symbol)).into_iter().flatten() {
            price = price.after_split(split, close);
            close = close.map(|close| close.after_split(split, Some(close)));
        }
        Some(price)
    }
}

async fn executions(
    tx: &mut Transaction<'_>,
    symbol: Symbol,
    at_max: Timestamp,
) -> Result<Vec<SharePrice>, Error> {
    let select = sql!(EXECUTIONS, symbol.as_str(), at_max, SharePrice::EXECUTIONS);
    let rows = tx.fetch_all(select).await?;
    rows.iter().filter_map(|row| execution(row).transpose()).collect()
}

/// `None` of one whose price is out of range.
fn execution(row: &Row) -> Result<Option<SharePrice>, Error> {
    let money = Money::from_minor(row.int("notional")?, Currency::Usd);
    let (quantity, at) = (row.parsed::<Quantity>("quantity")?, row.time("at")?);
    let price = money.to_decimal().checked_div(quantity.get());
    let price = price.and_then(|price| Price::new(price.round_dp(PRICE_DIGITS)).ok());
    Ok(price.map(|price| SharePrice { price, at }))
}
