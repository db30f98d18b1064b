//! The last price, from the vendor's snapshot of a ticker.

use domain::Symbol;

use super::client::{CallError, Client};
use super::wire::TickerSnapshot;
use crate::{Error, Fault};

/// A last price and its time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quote {
    /// Price of the last trade, else the day's close so far; finite and positive.
    pub price: f64,
    /// When the vendor last updated it, in milliseconds since 1970.
    pub updated_unix_ms: Option<i64>,
}

impl Client {
    pub(super) async fn quote(&self, symbol: Symbol) -> Result<Quote, Error> {
        let path = ["v2", "snapshot", "locale", "us", "markets", "stocks", "tickers", symbol.as_str()];
        let snapshot: Result<TickerSnapshot, CallError> = self.get(self.url(&path, &[])).await;
        let quote =
            snapshot.and_then(|snapshot| quote(&snapshot).ok_or(CallError::Bad(Fault::NotAsDocumented)));
        quote.map_err(|error| error.for_symbol(symbol))
    }
}

fn quote(snapshot: &TickerSnapshot) -> Option<Quote> {
    let ticker = snapshot.ticker.as_ref()?;
    let last_trade = ticker.last_trade.as_ref().and_then(|trade| trade.p);
    let day_close = ticker.day.as_ref().and_then(|day| day.c);
    // Before the first trade of a day the vendor sends zeros.
    let price =
        [last_trade, day_close].into_iter().flatten().find(|price| price.is_finite() && *price > 0.0)?;
    Some(Quote { price, updated_unix_ms: ticker.updated.map(|nanoseconds| nanoseconds / 1_000_000) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_before_the_first_trade_are_no_price() {
        let parse = |wire: &str| quote(&serde_json::from_str(wire).unwrap());
        let day = r#"{"ticker":{"day":{"c":430.47},"lastTrade":{"p":0},"updated":1362114000000000000}}"#;
        assert_eq!(parse(day), Some(Quote { price: 430.47, updated_unix_ms: Some(1_362_114_000_000) }));
        assert_eq!(parse(r#"{"ticker":{"day":{"c":0}}}"#), None);
        assert_eq!(parse("{}"), None);
    }
}
