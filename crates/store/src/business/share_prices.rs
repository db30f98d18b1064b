//! The prices of shares: closes, and executions and splits as the folds of their facts leave them. What was busted prices
//! nothing.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Currency, Money, Price, Quantity, Symbol};
use jiff::Timestamp;
use ledger::{PricedAsset, SharePrice};

use super::AssetPrice;
use super::returns::HolderScope;
use crate::database::{Row, Transaction, sql};
use crate::error::Error;

const EXECUTIONS: &str = "SELECT quantity, notional, at FROM fills WHERE symbol = $1 AND kind = 'fill' \
    AND status = 'counted' AND currency = 'USD' AND notional >= $2 ORDER BY at DESC, account, id LIMIT $3";
const SPLITS: &str = "SELECT account, symbol, quantity_before, quantity, at FROM fills \
    WHERE kind = 'split' AND status = 'counted' AND at > $1";
/// Decimals of the price of an execution.
const PRICE_DIGITS: u32 = 6;

/// The prices of shares in each account: an account has shares before a split until its broker reports the split there.
pub(super) struct SharePrices {
    by_symbol: BTreeMap<Symbol, SharePrice>,
    splits: BTreeMap<(String, Symbol), Vec<Split>>,
}

struct Split {
    at: Timestamp,
    before: Quantity,
    change: Quantity,
}

impl SharePrices {
    /// Of these symbols, in the accounts of `scope`, given their closes.
    pub(super) async fn load(
        tx: &mut Transaction<'_>,
        closes: &BTreeMap<PricedAsset, AssetPrice>,
        symbols: BTreeSet<Symbol>,
        scope: HolderScope<'_>,
    ) -> Result<Self, Error> {
        let mut by_symbol = BTreeMap::new();
        for symbol in symbols {
            let close = closes.get(&PricedAsset::Share(symbol));
            let close = close.map(|close| SharePrice { price: close.price, at: close.at });
            by_symbol.extend(
                SharePrice::latest(close, &executions(tx, symbol).await?)
                    .map(|share_price| (symbol, share_price)),
            );
        }
        let mut share_prices = Self { by_symbol, splits: BTreeMap::new() };
        share_prices.load_splits(tx, scope).await?;
        Ok(share_prices)
    }

    async fn load_splits(&mut self, tx: &mut Transaction<'_>, scope: HolderScope<'_>) -> Result<(), Error> {
        let Some(oldest_at) = self.by_symbol.values().map(|share_price| share_price.at).min() else {
            return Ok(());
        };
        let account = if let HolderScope::Holder(account) = scope { Some(account.to_string()) } else { None };
        let splits =
            sql!(SPLITS, oldest_at).push_optional(" AND account = ", account).push_sql(" ORDER BY at, id");
        for row in tx.fetch_all(splits).await? {
            let (before, change) = (row.parsed("quantity_before")?, row.parsed("quantity")?);
            let split = Split { at: row.time("at")?, before, change };
            self.splits.entry((row.text("account")?, row.parsed("symbol")?)).or_default().push(split);
        }
        Ok(())
    }

    /// The price of one share of `symbol` in `account`.
    pub(super) fn of(&self, account: &str, symbol: Symbol) -> Option<SharePrice> {
        let share_price = *self.by_symbol.get(&symbol)?;
        let splits = self.splits.get(&(account.to_owned(), symbol)).map_or(&[][..], Vec::as_slice);
        Some(splits.iter().fold(share_price, |share_price, split| {
            share_price.after_split(split.at, split.before, split.change)
        }))
    }
}

async fn executions(tx: &mut Transaction<'_>, symbol: Symbol) -> Result<Vec<SharePrice>, Error> {
    let select = sql!(EXECUTIONS, symbol.as_str(), SharePrice::EXECUTION_CENTS_MIN, SharePrice::EXECUTIONS);
    tx.fetch_all(select).await?.iter().map(execution).collect()
}

fn execution(row: &Row) -> Result<SharePrice, Error> {
    let money = Money::from_minor(row.int("notional")?, Currency::Usd);
    let price = money.to_decimal().checked_div(row.parsed::<Quantity>("quantity")?.get());
    let price = price.and_then(|price| Price::new(price.round_dp(PRICE_DIGITS)).ok());
    Ok(SharePrice { price: price.ok_or_else(|| Error::decode("quantity"))?, at: row.time("at")? })
}
