//! The last price of each share and currency.

use std::collections::BTreeMap;

use domain::{Price, Symbol};
use jiff::{SignedDuration, Timestamp};
use ledger::PricedAsset;
use serde_json::json;

use crate::actor::Actor;
use crate::database::{Operation, Row, Transaction, Value, retry, sql, values};
use crate::error::Error;
use crate::store::Store;

/// Most prices of one call: more than a broker has symbols.
pub const PRICES_MAX: usize = 20_000;
/// How far ahead of our clock a price may be. A price further ahead has a wrong time, and would hide later prices until then.
pub const PRICE_AHEAD_MAX: SignedDuration = SignedDuration::from_mins(5);
const SET: &str = "INSERT INTO prices (asset, price, at) VALUES ";
const SET_END: &str = " ON CONFLICT (asset) DO UPDATE SET price = excluded.price, at = excluded.at \
    WHERE prices.at < excluded.at RETURNING asset";
// Prices stored while our clock was wrong.
const DELETE_AHEAD: &str = "DELETE FROM prices WHERE at > $1";

/// The price of one unit of an asset at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssetPrice {
    /// A share or a currency.
    pub asset: PricedAsset,
    /// In dollars.
    pub price: Price,
    /// Time of the price.
    pub at: Timestamp,
}

impl Store {
    /// Stores prices that are later than the stored ones, and returns their number. Prices beyond [`PRICES_MAX`], and prices
    /// ahead of `now` by more than [`PRICE_AHEAD_MAX`], are ignored.
    ///
    /// # Errors
    /// [`Error`] of the database; no price is stored, or the reply was lost.
    pub async fn set_prices(
        &self,
        prices: &[AssetPrice],
        actor: Actor<'_>,
        now: Timestamp,
    ) -> Result<u64, Error> {
        retry(async || {
            let mut writer = self.shared.database.writer(Operation::Business).await?;
            let mut tx = writer.begin().await?;
            let changed = set(&mut tx, prices, now).await?;
            if changed == 0 {
                tx.rollback().await?;
            } else {
                let entry = actor.entry("prices.set", "prices", &json!({ "changed": changed }), now)?;
                self.commit(tx, entry).await?;
            }
            Ok(changed)
        })
        .await
    }

    /// All prices, by asset.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn prices(&self) -> Result<Vec<AssetPrice>, Error> {
        let mut reader = self.shared.database.reader(Operation::Business).await?;
        Ok(load_prices(&mut reader.begin().await?).await?.into_values().collect())
    }

    /// The symbols of all positions, at most [`PRICES_MAX`].
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn position_symbols(&self) -> Result<Vec<Symbol>, Error> {
        let select = "SELECT DISTINCT symbol FROM positions WHERE quantity <> '0' ORDER BY symbol LIMIT $1";
        self.read(Operation::Business, sql!(select, PRICES_MAX as i64))
            .await?
            .iter()
            .map(|row| row.parsed("symbol"))
            .collect()
    }
}

async fn set(tx: &mut Transaction<'_>, prices: &[AssetPrice], now: Timestamp) -> Result<u64, Error> {
    let at_max = now.saturating_add(PRICE_AHEAD_MAX).unwrap_or(Timestamp::MAX);
    // Each asset once, in a fixed order, so that two writers cannot deadlock.
    let mut latest: BTreeMap<PricedAsset, AssetPrice> = BTreeMap::new();
    for price in prices.iter().take(PRICES_MAX) {
        if price.at > at_max {
            tracing::warn!(asset = %price.asset, at = %price.at, "price dated in the future ignored");
            continue;
        }
        let entry = latest.entry(price.asset).or_insert(*price);
        if entry.at < price.at {
            *entry = *price;
        }
    }
    tx.execute(sql!(DELETE_AHEAD, at_max)).await?;
    let rows: Vec<Vec<Value>> = latest
        .into_values()
        .map(|AssetPrice { asset, price, at }| values![asset.to_string(), price.to_string(), at])
        .collect();
    Ok(tx.insert_rows(SET, rows, SET_END).await?.len() as u64)
}

pub(crate) async fn load_prices(
    tx: &mut Transaction<'_>,
) -> Result<BTreeMap<PricedAsset, AssetPrice>, Error> {
    let asset_price = |row: &Row| {
        let asset = row.parsed("asset")?;
        Ok((asset, AssetPrice { asset, price: row.parsed("price")?, at: row.time("at")? }))
    };
    tx.fetch_all(sql!("SELECT asset, price, at FROM prices")).await?.iter().map(asset_price).collect()
}
