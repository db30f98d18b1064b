//! The figures of a dashboard, all from one state of the tables.

use std::collections::BTreeMap;

use domain::{Quantity, Symbol, Total};
use jiff::{SignedDuration, Timestamp};
use ledger::{Day, PricedAsset, SharePrice};
use rust_decimal::Decimal;

use super::AssetPrice;
use super::market_value::{MarketValue, market_value};
use super::prices::load_prices;
use super::returns::{HolderScope, year_to_date};
use super::share_prices::SharePrices;
use super::today;
use crate::database::{Operation, Row, Transaction, sql};
use crate::error::Error;
use crate::store::Store;
use crate::sums::wide_sum_sql;

/// A user counts as active for this long after an activity.
pub const ACTIVE_WITHIN: SignedDuration = SignedDuration::from_secs(300);

/// Positions that are fetched at once.
const POSITIONS_PAGE: i64 = 5_000;

const POSITIONS: &str = "SELECT account, symbol, quantity FROM positions WHERE (account, symbol) > ($1, $2) \
    AND quantity <> '0' ORDER BY account, symbol LIMIT $3";
const BALANCES: &str =
    concat!("SELECT currency, ", wide_sum_sql!("balance"), " FROM ledger_balances GROUP BY currency");
const ACTIVE: &str = "SELECT COUNT(DISTINCT user_id) AS count FROM provider_accounts \
    WHERE last_seen_at > $1 AND last_seen_at <= $2";
const REGISTERED: &str =
    "SELECT COUNT(DISTINCT user_id) AS count FROM provider_accounts WHERE registered_at IS NOT NULL";

/// The figures of the whole business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Time of the computation.
    pub at: Timestamp,
    /// The accounts of all holders less their debts, and their shares, at the last prices.
    pub assets: MarketValue,
    /// Deposits that settled since midnight UTC.
    pub deposits_today: MarketValue,
    /// Number of deposits that settled since midnight UTC.
    pub deposits_today_number: u64,
    /// Deposits that were returned since midnight UTC, whenever they settled.
    pub returns_today: MarketValue,
    /// Buys that were filled since midnight UTC.
    pub investments_today: MarketValue,
    /// Users who were active within [`ACTIVE_WITHIN`].
    pub active_users: u64,
    /// Users with an account registered at its provider.
    pub registrations: u64,
    /// The time-weighted return of all assets since the last close of the previous year: 0.05 is 5 %.
    pub year_to_date: Option<Decimal>,
}

impl Store {
    /// The figures as of `now`. Reads every position: call it rarely, from one worker.
    ///
    /// # Errors
    /// [`Error`] of the database; [`Error::Ledger`] when a sum is out of range.
    pub async fn figures(&self, now: Timestamp) -> Result<Figures, Error> {
        let mut reader = self.shared.database.reader(Operation::Business).await?;
        figures(&mut reader.begin().await?, now).await
    }
}

pub(super) async fn figures(tx: &mut Transaction<'_>, now: Timestamp) -> Result<Figures, Error> {
    let day = Day::from_timestamp(now)?;
    let prices = load_prices(tx).await?;
    let money = balances(tx).await?;
    let assets = market_value(&money, &positions(tx, &prices, now).await?, &prices)?;
    let (deposits, returns) = (today::deposits(tx, &day).await?, today::returns(tx, &day).await?);
    let investments = today::investments(tx, &day).await?;
    let active_since = now.checked_sub(ACTIVE_WITHIN).unwrap_or(Timestamp::MIN);
    Ok(Figures {
        at: now,
        assets,
        deposits_today: market_value(&deposits.money(), &[], &prices)?,
        deposits_today_number: deposits.number,
        returns_today: market_value(&returns.money(), &[], &prices)?,
        investments_today: market_value(&investments.money(), &[], &prices)?,
        active_users: tx.count(sql!(ACTIVE, active_since, now)).await?,
        registrations: tx.count(sql!(REGISTERED)).await?,
        year_to_date: year_to_date(tx, HolderScope::All, day.date, assets.value, &prices).await?,
    })
}

async fn balances(tx: &mut Transaction<'_>) -> Result<Vec<Total>, Error> {
    let rows = tx.fetch_all(sql!(BALANCES)).await?;
    let total = |row: &Row| Ok(Total::from_minor(row.wide_sum("balance")?, row.parsed("currency")?));
    rows.iter().map(total).collect()
}

/// All positions, each with its price.
async fn positions(
    tx: &mut Transaction<'_>,
    prices: &BTreeMap<PricedAsset, AssetPrice>,
    now: Timestamp,
) -> Result<Vec<(Quantity, Option<SharePrice>)>, Error> {
    let all = rows_of_positions(tx).await?;
    let symbols = all.iter().map(|(_, symbol, _)| *symbol).collect();
    let share_prices = SharePrices::load(tx, prices, symbols, HolderScope::All, now).await?;
    Ok(all.iter().map(|(account, symbol, quantity)| (*quantity, share_prices.of(account, *symbol))).collect())
}

async fn rows_of_positions(tx: &mut Transaction<'_>) -> Result<Vec<(String, Symbol, Quantity)>, Error> {
    let mut positions = Vec::new();
    let mut last = (String::new(), String::new());
    loop {
        let rows = tx.fetch_all(sql!(POSITIONS, &last.0, &last.1, POSITIONS_PAGE)).await?;
        for row in &rows {
            positions.push((row.text("account")?, row.parsed("symbol")?, row.parsed("quantity")?));
        }
        match rows.last().filter(|_| rows.len() as i64 == POSITIONS_PAGE) {
            Some(row) => last = (row.text("account")?, row.text("symbol")?),
            None => return Ok(positions),
        }
    }
}
