//! The portfolio of one holder, or of all accounts of a customer, at the last prices.

use std::collections::BTreeMap;

use domain::{
    AccountScope, AccountStatus, Bucket, Currency, CustomerId, ExternalId, Money, Price, Quantity, Symbol,
    Total,
};
use jiff::Timestamp;
use ledger::{Day, LedgerError, PricedAsset, SharePrice};
use rust_decimal::Decimal;

use super::AssetPrice;
use super::market_value::{MarketValue, market_value};
use super::prices::load_prices;
use super::returns::{HolderScope, year_to_date};
use super::share_prices::SharePrices;
use crate::customers::{accounts_in, accounts_of};
use crate::database::{Operation, Row, Transaction, sql};
use crate::error::Error;
use crate::ledger::{self as books, Balance, optional_money, parse_optional_enum};
use crate::store::Store;

/// Most positions of one holder: more than a broker has symbols.
const POSITIONS_MAX: i64 = 20_000;

const POSTED: &str = "SELECT currency, balance_high, balance FROM ledger_balances WHERE holder = $1";
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
    /// The balance of each ledger account, by bucket and currency.
    pub balances: Vec<Balance>,
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

/// The portfolios of all accounts of a customer, and their sums.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerPortfolio {
    /// The customer.
    pub customer: CustomerId,
    /// Each account, by its id.
    pub accounts: Vec<Portfolio>,
    /// The sums of the balances, by bucket and currency.
    pub balances: Vec<Balance>,
    /// The sums of the positions, by symbol. The price is the newest.
    pub positions: Vec<PortfolioPosition>,
    /// The sum of the values of the accounts.
    pub market_value: MarketValue,
}

impl Store {
    /// The portfolio of `account` at `now`; `None` for an unknown account, and for one outside the scope.
    ///
    /// # Errors
    /// [`Error`] of the database; [`Error::Ledger`] when a sum is out of range.
    pub async fn portfolio(
        &self,
        scope: &AccountScope,
        account: &ExternalId,
        now: Timestamp,
    ) -> Result<Option<Portfolio>, Error> {
        let mut reader = self.book_reader(Operation::Balances).await?;
        let mut tx = reader.begin().await?;
        let visible = accounts_in(&mut tx, scope).await?;
        if visible.is_some_and(|accounts| !accounts.contains(&account.to_string())) {
            return Ok(None);
        }
        let prices = load_prices(&mut tx).await?;
        load(&mut tx, account, &prices, now).await
    }

    /// The portfolios of all accounts of `customer` at `now`; `None` for one without accounts, and for one with an account
    /// outside the scope.
    ///
    /// # Errors
    /// [`Error`] of the database; [`Error::Ledger`] when a sum is out of range.
    pub async fn customer_portfolio(
        &self,
        scope: &AccountScope,
        customer: &CustomerId,
        now: Timestamp,
    ) -> Result<Option<CustomerPortfolio>, Error> {
        let mut reader = self.book_reader(Operation::Balances).await?;
        let mut tx = reader.begin().await?;
        let names = accounts_of(&mut tx, [customer]).await?;
        let visible = accounts_in(&mut tx, scope).await?;
        if names.is_empty() || visible.is_some_and(|accounts| !names.is_subset(&accounts)) {
            return Ok(None);
        }
        let (prices, mut accounts) = (load_prices(&mut tx).await?, Vec::new());
        for name in names {
            let account = name.parse().map_err(|_| Error::decode("account"))?;
            accounts.extend(load(&mut tx, &account, &prices, now).await?);
        }
        sum(customer.clone(), accounts).map(Some)
    }
}

async fn load(
    tx: &mut Transaction<'_>,
    account: &ExternalId,
    prices: &BTreeMap<PricedAsset, AssetPrice>,
    now: Timestamp,
) -> Result<Option<Portfolio>, Error> {
    let name = account.to_string();
    let Some(row) = tx.fetch_optional(sql!(ACCOUNT, &name)).await? else { return Ok(None) };
    let balances = books::balances(tx, std::slice::from_ref(&name), None).await?;
    let balances: Vec<Balance> = balances.into_values().collect();
    let positions = positions(tx, account, prices, now).await?;
    let posted: Vec<Total> = balances.iter().map(|balance| balance.posted).collect();
    let market_value = total(&posted, &positions, prices)?;
    let today = Day::from_timestamp(now)?.date;
    let scope = HolderScope::Holder(account);
    let year_to_date = year_to_date(tx, scope, today, market_value.value, prices).await?;
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

fn sum(customer: CustomerId, accounts: Vec<Portfolio>) -> Result<CustomerPortfolio, Error> {
    let mut balances: BTreeMap<(Bucket, Currency), Balance> = BTreeMap::new();
    let mut positions: BTreeMap<Symbol, PortfolioPosition> = BTreeMap::new();
    let zero = Money::zero(Currency::Usd);
    let mut market_value = MarketValue { value: zero, unpriced: 0, oldest_price_at: None };
    for account in &accounts {
        for balance in &account.balances {
            let key = (balance.bucket, balance.posted.currency());
            let sum = balances.get(&key).map_or(*balance, |sum| sum.plus(balance));
            balances.insert(key, sum);
        }
        for position in &account.positions {
            let sum = match positions.get(&position.symbol) {
                Some(sum) => sum.plus(position)?,
                None => position.clone(),
            };
            positions.insert(position.symbol, sum);
        }
        let MarketValue { value, unpriced, oldest_price_at } = account.market_value;
        market_value = MarketValue {
            value: market_value.value.plus(value).map_err(LedgerError::from)?,
            unpriced: market_value.unpriced + unpriced,
            oldest_price_at: market_value.oldest_price_at.into_iter().chain(oldest_price_at).min(),
        };
    }
    let (balances, positions) = (balances.into_values().collect(), positions.into_values().collect());
    Ok(CustomerPortfolio { customer, accounts, balances, positions, market_value })
}

impl PortfolioPosition {
    /// The shares of two accounts together. What is unknown of one is unknown of both.
    fn plus(&self, other: &Self) -> Result<Self, LedgerError> {
        let plus = |one: Option<Money>, other: Option<Money>| match (one, other) {
            (Some(one), Some(other)) if one.currency() == other.currency() => one.plus(other).map(Some),
            _ => Ok(None),
        };
        Ok(Self {
            symbol: self.symbol,
            quantity: self.quantity.plus(other.quantity)?,
            cost: plus(self.cost, other.cost)?,
            price: self.price.into_iter().chain(other.price).max_by_key(|(_, at)| *at),
            value: plus(self.value, other.value)?,
            last_at: self.last_at.max(other.last_at),
        })
    }
}

/// The total value of a holder.
pub(super) async fn assets(
    tx: &mut Transaction<'_>,
    account: &ExternalId,
    prices: &BTreeMap<PricedAsset, AssetPrice>,
    now: Timestamp,
) -> Result<MarketValue, Error> {
    let rows = tx.fetch_all(sql!(POSTED, account.to_string())).await?;
    let posted = |row: &Row| Ok(Total::from_minor(row.wide("balance")?, row.parsed("currency")?));
    let posted: Vec<Total> = rows.iter().map(posted).collect::<Result<_, Error>>()?;
    let positions = positions(tx, account, prices, now).await?;
    total(&posted, &positions, prices)
}

fn total(
    money: &[Total],
    positions: &[PortfolioPosition],
    prices: &BTreeMap<PricedAsset, AssetPrice>,
) -> Result<MarketValue, Error> {
    let share_price = |(price, at)| SharePrice { price, at };
    let shares: Vec<(Quantity, Option<SharePrice>)> =
        positions.iter().map(|position| (position.quantity, position.price.map(share_price))).collect();
    market_value(money, &shares, prices)
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
