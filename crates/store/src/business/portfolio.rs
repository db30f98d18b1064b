//! The portfolio of one holder, at the last prices.

use std::collections::BTreeMap;

use domain::{AccountStatus, Currency, ExternalId, Money, Price, Quantity, Symbol, Total};
use jiff::Timestamp;
use ledger::{Bucket, Day, LedgerAccount, LedgerError, PricedAsset, SharePrice};
use rust_decimal::Decimal;

use super::AssetPrice;
use super::market_value::{MarketValue, market_value};
use super::prices::load_prices;
use super::returns::{HolderScope, year_to_date};
use super::share_prices::SharePrices;
use crate::database::{Transaction, sql};
use crate::error::Error;
use crate::ledger::{optional_money, parse_optional_enum};
use crate::store::Store;

/// Most positions of one holder: more than a broker has symbols.
const POSITIONS_MAX: i64 = 20_000;

const BALANCES: &str = "SELECT account, currency, balance_high, balance FROM ledger_balances WHERE holder = $1 ORDER BY account, currency";
const POSITIONS: &str = "SELECT symbol, quantity, cost, currency, last_at FROM positions \
    WHERE account = $1 AND quantity <> '0' ORDER BY symbol LIMIT $2";
pub(super) const ACCOUNT: &str = "SELECT status FROM provider_accounts WHERE account = $1";
const REVIEWS: &str = "SELECT COUNT(*) AS count FROM reviews WHERE resolved_at IS NULL AND account = $1";

/// The portfolio of one holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portfolio {
    /// The holder's account at its provider.
    pub account: ExternalId,
    /// The status of the account; `None` if the provider has not reported it.
    pub status: Option<AccountStatus>,
    /// The balance of each ledger account, by bucket and currency; a debt is negative.
    pub balances: Vec<(Bucket, Total)>,
    /// Positions other than zero, by symbol.
    pub positions: Vec<PortfolioPosition>,
    /// The value of balances and positions together.
    pub market_value: MarketValue,
    /// The time-weighted return since the last close of the previous year: 0.05 is 5 %.
    pub year_to_date: Option<Decimal>,
    /// Number of open reviews.
    pub reviews: u64,
}

/// The shares of one symbol in a portfolio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortfolioPosition {
    /// The symbol of the shares.
    pub symbol: Symbol,
    /// Number of shares; negative for a short position.
    pub quantity: Quantity,
    /// Total cost, if known.
    pub cost: Option<Money>,
    /// The last price and its time, if known.
    pub price: Option<(Price, Timestamp)>,
    /// Value at that price.
    pub value: Option<Money>,
    /// The time of the last fact about the shares.
    pub last_at: Timestamp,
}

impl Store {
    /// The portfolio of `account` at `now`; `None` for an unknown account.
    ///
    /// # Errors
    /// [`Error`] of the database; [`Error::Ledger`] when a sum is out of range.
    pub async fn portfolio(&self, account: &ExternalId, now: Timestamp) -> Result<Option<Portfolio>, Error> {
        let mut reader = self.shared.database.reader().await?;
        let mut tx = reader.begin().await?;
        let name = account.to_string();
        let Some(row) = tx.fetch_optional(sql!(ACCOUNT, &name)).await? else { return Ok(None) };
        let prices = load_prices(&mut tx).await?;
        let balances = balances(&mut tx, account).await?;
        let positions = positions(&mut tx, account, &prices, now).await?;
        let market_value = total(&balances, &positions, &prices)?;
        let today = Day::from_timestamp(now)?.date;
        let scope = HolderScope::Holder(account);
        let year_to_date = year_to_date(&mut tx, scope, today, market_value.value, &prices).await?;
        let reviews = tx.count(sql!(REVIEWS, &name)).await?;
        Ok(Some(Portfolio {
            account: account.clone(),
            status: parse_optional_enum(&row, "status")?,
            balances,
            positions,
            market_value,
            year_to_date,
            reviews,
        }))
    }
}

/// The total value of a holder.
pub(super) async fn assets(
    tx: &mut Transaction<'_>,
    account: &ExternalId,
    prices: &BTreeMap<PricedAsset, AssetPrice>,
    now: Timestamp,
) -> Result<MarketValue, Error> {
    let balances = balances(tx, account).await?;
    let positions = positions(tx, account, prices, now).await?;
    total(&balances, &positions, prices)
}

fn total(
    balances: &[(Bucket, Total)],
    positions: &[PortfolioPosition],
    prices: &BTreeMap<PricedAsset, AssetPrice>,
) -> Result<MarketValue, Error> {
    let money: Vec<Total> = balances.iter().map(|(_, total)| *total).collect();
    let share_price = |(price, at)| SharePrice { price, at };
    let shares: Vec<(Quantity, Option<SharePrice>)> =
        positions.iter().map(|position| (position.quantity, position.price.map(share_price))).collect();
    market_value(&money, &shares, prices)
}

async fn balances(tx: &mut Transaction<'_>, account: &ExternalId) -> Result<Vec<(Bucket, Total)>, Error> {
    let mut balances = Vec::new();
    for row in tx.fetch_all(sql!(BALANCES, account.to_string())).await? {
        let LedgerAccount::User(_, bucket) = row.parsed("account")? else {
            return Err(Error::decode("account"));
        };
        balances.push((bucket, Total::from_minor(row.wide("balance")?, row.parsed("currency")?)));
    }
    Ok(balances)
}

async fn positions(
    tx: &mut Transaction<'_>,
    account: &ExternalId,
    prices: &BTreeMap<PricedAsset, AssetPrice>,
    now: Timestamp,
) -> Result<Vec<PortfolioPosition>, Error> {
    let mut positions = Vec::new();
    let rows = tx.fetch_all(sql!(POSITIONS, account.to_string(), POSITIONS_MAX)).await?;
    let symbols = rows.iter().map(|row| row.parsed("symbol")).collect::<Result<_, _>>()?;
    let share_prices = SharePrices::load(tx, prices, symbols, HolderScope::Holder(account), now).await?;
    for row in rows {
        let (symbol, quantity) = (row.parsed("symbol")?, row.parsed("quantity")?);
        let price = share_prices
            .of(&account.to_string(), symbol)
            .map(|share_price| (share_price.price, share_price.at));
        let value = price.map(|(price, _)| price.times(quantity, Currency::Usd)).transpose();
        positions.push(PortfolioPosition {
            symbol,
            quantity,
            cost: optional_money(&row, "cost", "currency")?,
            price,
            value: value.map_err(LedgerError::from)?,
            last_at: row.time("last_at")?,
        });
    }
    Ok(positions)
}
