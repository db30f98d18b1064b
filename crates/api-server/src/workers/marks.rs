//! The last prices of what anyone holds, from the source of market data.
//!
//! Which of two prices counts is decided by their times, so the close of an old day never hides a later execution.

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use domain::{Currency, Date, Price, Symbol};
use jiff::{SignedDuration, Timestamp};
use ledger::Marked;
use market_data::MarketData;
use rust_decimal::Decimal;
use store::{Actor, Mark, Store};
use tokio::time::timeout;

use super::office::Office;
use super::roster::Heart;
use crate::clock::Clock;
use crate::logs::with_causes;

/// Time between two rounds.
const PERIOD: Duration = Duration::from_secs(300);
/// Time between two looks at the office.
const LOOK_PERIOD: Duration = Duration::from_secs(1);
/// Symbols that are asked for in one round, at most; the next round goes on where this one ended.
const SYMBOLS_PER_ROUND: usize = 500;
/// Longest wait for one symbol; what was begun goes on, and the next round finds it.
const SYMBOL_TIMEOUT: Duration = Duration::from_secs(30);
/// Exchanges in New York close at 20:00 or 21:00 UTC: a close counts from the earlier one.
const CLOSE_UTC: SignedDuration = SignedDuration::from_hours(20);
/// Tokens that their issuers redeem for one dollar. No feed of theirs is read: they count as that.
const DOLLAR_TOKENS: [Currency; 4] = [Currency::Usdc, Currency::Usdt, Currency::Usdb, Currency::Pyusd];

/// Who sets marks, for the audit chain.
const ACTOR: Actor<'static> = Actor::named("worker:marks");

/// Marks while the office is held, for ever.
pub async fn run(store: Store, market_data: Arc<MarketData>, office: Office, heart: Heart) {
    let (mut next_at, mut begin) = (tokio::time::Instant::now(), 0);
    loop {
        heart.beat();
        if office.is_held() && tokio::time::Instant::now() >= next_at {
            match round(&store, &market_data, &mut begin, &heart).await {
                Ok(()) => next_at = tokio::time::Instant::now() + PERIOD,
                Err(error) => tracing::warn!(error = with_causes(&error), "marks cannot be kept now"),
            }
        }
        tokio::time::sleep(LOOK_PERIOD).await;
    }
}

/// Marks the tokens that count as a dollar: before anything is valued, and again in each round.
///
/// # Errors
/// That of the database.
pub async fn mark_tokens(store: &Store) -> Result<(), store::Error> {
    let now = Clock::System.now();
    let one = Price::new(Decimal::ONE).ok();
    let mark = |token| Some(Mark { thing: Marked::Currency(token), price: one?, at: now });
    let tokens: Vec<Mark> = DOLLAR_TOKENS.into_iter().filter_map(mark).collect();
    store.mark(&tokens, ACTOR, now).await.map(drop)
}

async fn round(
    store: &Store,
    market_data: &MarketData,
    begin: &mut usize,
    heart: &Heart,
) -> Result<(), store::Error> {
    mark_tokens(store).await?;
    let now = Clock::System.now();
    let held = store.held_symbols().await?;
    let count = held.len().min(SYMBOLS_PER_ROUND);
    let asked = held.iter().cycle().skip(*begin % held.len().max(1)).take(count);
    let mut marks = Vec::with_capacity(count);
    for symbol in asked {
        // A vendor that is slow with each of them is waited for, one after the other.
        heart.beat();
        let close = timeout(SYMBOL_TIMEOUT, last_close(market_data, symbol, now)).await;
        marks.extend(close.ok().flatten());
    }
    *begin = begin.wrapping_add(count);
    heart.beat();
    store.mark(&marks, ACTOR, now).await.map(drop)
}

/// The newest close as traded; none where the source knows none.
async fn last_close(market_data: &MarketData, symbol: &Symbol, now: Timestamp) -> Option<Mark> {
    let snapshot = market_data.snapshot(symbol).await.ok()?;
    let bars = snapshot.history.raw().view();
    let (close, date) = (bars.close.last()?, bars.date.last()?);
    // The shortest decimal that is this float is what the source wrote.
    let price = Price::new(Decimal::from_str(&close.to_string()).ok()?).ok()?;
    Some(Mark { thing: Marked::Share(*symbol), price, at: closed_at(*date)?.min(now) })
}

fn closed_at(date: Date) -> Option<Timestamp> {
    let midnight = Timestamp::from_second(i64::from(date.days()) * 86_400).ok()?;
    midnight.checked_add(CLOSE_UTC).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_newest_close_of_the_sample_is_a_mark_of_its_day() {
        let market_data = MarketData::bundled();
        let now = "2026-01-02T00:00:00Z".parse().unwrap();
        let mark = last_close(&market_data, &"AAPL".parse().unwrap(), now).await.unwrap();
        // The close of Apple on 2013-03-01, as finance.yahoo.com had it before later splits.
        assert_eq!(mark.price.to_string(), "430.47");
        assert_eq!(mark.at.to_string(), "2013-03-01T20:00:00Z");
        assert_eq!(last_close(&market_data, &"ZZZZ".parse().unwrap(), now).await, None);
    }
}
