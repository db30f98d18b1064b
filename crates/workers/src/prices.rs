//! Stores the last price of every held asset, from the source of market data.
//!
//! The later of two prices counts. Executions are prices too: `ledger::SharePrice` says which.

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use domain::{Currency, Date, Price, Symbol};
use jiff::{SignedDuration, Timestamp};
use ledger::PricedAsset;
use market_data::MarketData;
use rust_decimal::Decimal;
use store::{Actor, AssetPrice, Store};
use telemetry::{Clock, with_causes};
use tokio::time::timeout;

use crate::leader_lease::LeaderLease;
use crate::registry::Heartbeat;

/// Time between two rounds.
const PERIOD: Duration = Duration::from_secs(300);
/// Time between two checks of the leader lease.
const CHECK_PERIOD: Duration = Duration::from_secs(1);
/// Most symbols in one round; the next round continues with the others.
const SYMBOLS_PER_ROUND: usize = 500;
/// Longest wait for one symbol. The fetch goes on, and the next round finds its result.
const SYMBOL_TIMEOUT: Duration = Duration::from_secs(30);
/// Exchanges in New York close at 20:00 or 21:00 UTC; the earlier time is used.
const CLOSE_UTC: SignedDuration = SignedDuration::from_hours(20);
/// Tokens that their issuers redeem for one dollar. They count as one dollar without a price feed.
const DOLLAR_TOKENS: [Currency; 4] = [Currency::Usdc, Currency::Usdt, Currency::Usdb, Currency::Pyusd];

const ACTOR: Actor<'static> = Actor::named("worker:prices");

/// Stores prices while the lease is held; never returns.
pub async fn run(
    store: Store,
    market_data: Arc<MarketData>,
    lease: LeaderLease,
    clock: Clock,
    heartbeat: Heartbeat,
) {
    let (mut next_at, mut start) = (tokio::time::Instant::now(), 0);
    loop {
        heartbeat.beat();
        if lease.is_held() && tokio::time::Instant::now() >= next_at {
            match round(&store, &market_data, &mut start, clock, &heartbeat).await {
                Ok(()) => next_at = tokio::time::Instant::now() + PERIOD,
                Err(error) => tracing::warn!(error = with_causes(&error), "storing prices failed"),
            }
        }
        tokio::time::sleep(CHECK_PERIOD).await;
    }
}

/// Stores the price of tokens that count as a dollar: at startup, and again in each round.
///
/// # Errors
/// The database query failed.
pub async fn price_tokens(store: &Store, now: Timestamp) -> Result<(), store::Error> {
    let one = Price::new(Decimal::ONE).ok();
    let price = |token| Some(AssetPrice { asset: PricedAsset::Currency(token), price: one?, at: now });
    let prices: Vec<AssetPrice> = DOLLAR_TOKENS.into_iter().filter_map(price).collect();
    store.set_prices(&prices, ACTOR, now).await.map(drop)
}

async fn round(
    store: &Store,
    market_data: &MarketData,
    start: &mut usize,
    clock: Clock,
    heartbeat: &Heartbeat,
) -> Result<(), store::Error> {
    let now = clock.now();
    price_tokens(store, now).await?;
    let symbols = store.position_symbols().await?;
    let count = symbols.len().min(SYMBOLS_PER_ROUND);
    let round = symbols.iter().cycle().skip(*start % symbols.len().max(1)).take(count);
    let mut prices = Vec::with_capacity(count);
    for symbol in round {
        // In case the vendor is slow for each symbol.
        heartbeat.beat();
        let close = timeout(SYMBOL_TIMEOUT, last_close(market_data, symbol, now)).await;
        prices.extend(close.ok().flatten());
    }
    *start = start.wrapping_add(count);
    heartbeat.beat();
    store.set_prices(&prices, ACTOR, now).await.map(drop)
}

/// The newest close as traded; `None` if the source has none.
async fn last_close(market_data: &MarketData, symbol: &Symbol, now: Timestamp) -> Option<AssetPrice> {
    let snapshot = market_data.snapshot(symbol).await.ok()?;
    let bars = snapshot.history.raw().view();
    let (close, date) = (bars.close.last()?, bars.date.last()?);
    // The shortest decimal of this float is the number in the source.
    let price = Price::new(Decimal::from_str(&close.to_string()).ok()?).ok()?;
    Some(AssetPrice { asset: PricedAsset::Share(*symbol), price, at: closed_at(*date)?.min(now) })
}

fn closed_at(date: Date) -> Option<Timestamp> {
    let midnight = Timestamp::from_second(i64::from(date.days()) * 86_400).ok()?;
    midnight.checked_add(CLOSE_UTC).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_newest_close_of_the_sample_is_a_price_of_its_day() {
        let market_data = MarketData::bundled();
        let now = "2026-01-02T00:00:00Z".parse().unwrap();
        let price = last_close(&market_data, &"AAPL".parse().unwrap(), now).await.unwrap();
        // The close of Apple on 2013-03-01, as finance.yahoo.com had it before later splits.
        assert_eq!(price.price.to_string(), "430.47");
        assert_eq!(price.at.to_string(), "2013-03-01T20:00:00Z");
        assert_eq!(last_close(&market_data, &"ZZZZ".parse().unwrap(), now).await, None);
    }
}
