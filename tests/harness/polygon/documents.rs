//! The vendor's JSON as documented, over generated bars: a slow wave, the same on every run.

use domain::Date;
use serde_json::{Value, json};

use super::script::{Behaviour, Route};

/// Served at most, whatever the range.
const BARS_MAX: usize = 600;
const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;

/// The route of a path, and its ticker.
pub(super) fn route<'a>(segments: &[&'a str], query_ticker: Option<&'a str>) -> (Route, Option<&'a str>) {
    match segments {
        ["v2", "aggs", "ticker", ticker, "range", ..] => (Route::Bars, Some(ticker)),
        ["v3", "reference", "tickers", ticker] => (Route::Details, Some(ticker)),
        ["vX", "reference", "financials"] => (Route::Financials, query_ticker),
        ["v2", "reference", "news"] => (Route::News, query_ticker),
        ["v1", "marketstatus", "now"] => (Route::MarketStatus, None),
        _ => (Route::Other, None),
    }
}

/// The weekdays that end with `to`, oldest first, each with its bar.
pub(super) fn bars(ticker: &str, from: Date, to: Date) -> Vec<Value> {
    let base = 50.0 + f64::from(ticker.bytes().map(u32::from).sum::<u32>() % 100);
    let first = from.days().max(to.days() - i32::try_from(BARS_MAX * 7 / 5).unwrap_or_default());
    let is_weekday = |day: &i32| !matches!((day + 4).rem_euclid(7), 0 | 6);
    (first..=to.days()).filter(is_weekday).map(|day| bar(base, day)).collect()
}

fn bar(base: f64, day: i32) -> Value {
    let phase = f64::from(day);
    let close = base * (1.0 + 0.1 * (phase / 40.0).sin() + 0.02 * (phase / 3.0).sin());
    let open = base * (1.0 + 0.1 * ((phase - 1.0) / 40.0).sin() + 0.02 * ((phase - 1.0) / 3.0).sin());
    json!({
        "t": midnight_in_new_york_ms(day),
        "o": open,
        "h": open.max(close) * 1.01,
        "l": open.min(close) * 0.99,
        "c": close,
        "v": 1_000_000.0 + 10_000.0 * f64::from(day.rem_euclid(50)),
        "vw": close,
        "n": 1000,
    })
}

/// Approximates summer time as April to October: both hours are on the same date.
fn midnight_in_new_york_ms(day: i32) -> i64 {
    let is_summer = Date::from_days(day).is_ok_and(|date| (4..=10).contains(&date.ymd().1));
    i64::from(day) * DAY_MS + if is_summer { 4 * HOUR_MS } else { 5 * HOUR_MS }
}

/// The bars with the behaviour's faults, and their `next_url`.
pub(super) fn apply_behaviour(
    mut bars: Vec<Value>,
    behaviour: &Behaviour,
    own_url: &str,
    is_second_page: bool,
) -> (Vec<Value>, Option<String>) {
    let (half, count) = (bars.len() / 2, bars.len());
    match behaviour {
        Behaviour::TwoPages if is_second_page => (bars.split_off(half), None),
        Behaviour::TwoPages => {
            bars.truncate(half);
            (bars, Some(format!("{own_url}?cursor=second")))
        }
        Behaviour::EndlessPages => (Vec::new(), Some(format!("{own_url}?cursor=more"))),
        Behaviour::NextUrl(url) => (bars, Some(url.clone())),
        Behaviour::EmptyResults => (Vec::new(), None),
        Behaviour::OutOfOrderAndDuplicate => {
            bars.push(bars[count - 1].clone());
            let second_newest = bars.remove(count - 2);
            bars.push(second_newest);
            (bars, None)
        }
        Behaviour::BadBars => {
            bars[0]["c"] = Value::Null;
            let noon = bars[1]["t"].as_i64().unwrap_or_default() + 12 * HOUR_MS;
            bars[1]["t"] = json!(noon);
            (bars, None)
        }
        Behaviour::AfterSplit => (bars.into_iter().map(split).collect(), None),
        _ => (bars, None),
    }
}

fn split(mut bar: Value) -> Value {
    for price in ["o", "h", "l", "c", "vw"] {
        bar[price] = json!(bar[price].as_f64().unwrap_or_default() / 2.0);
    }
    bar["v"] = json!(bar["v"].as_f64().unwrap_or_default() * 2.0);
    bar
}

pub(super) fn details(ticker: &str) -> Value {
    json!({ "ticker": ticker, "name": format!("{ticker} Corporation"), "market": "stocks", "locale": "us",
            "type": "CS", "active": true, "market_cap": 1.0e11, "list_date": "1990-01-02" })
}

pub(super) fn financials(ticker: &str) -> Value {
    let line = |value: f64| json!({ "value": value, "unit": "USD", "label": "a line", "order": 100 });
    json!([{
        "tickers": [ticker], "start_date": "2011-10-01", "end_date": "2012-09-30", "filing_date": "2012-10-31",
        "fiscal_period": "FY", "fiscal_year": "2012", "timeframe": "annual",
        "financials": {
            "income_statement": { "revenues": line(1.0e10), "net_income_loss": line(1.0e9),
                                  "diluted_earnings_per_share": line(5.0) },
            "balance_sheet": { "assets": line(2.0e10), "liabilities": line(8.0e9), "equity": line(1.2e10) },
            "cash_flow_statement": { "net_cash_flow_from_operating_activities": line(1.5e9) },
        }
    }])
}

pub(super) fn news(ticker: &str) -> Value {
    json!([{
        "id": "n1", "title": format!("{ticker} reports"), "description": "text",
        "published_utc": "2013-03-01T14:00:00Z", "publisher": { "name": "The Paper" },
        "tickers": [ticker], "keywords": [],
        "insights": [{ "ticker": ticker, "sentiment": "positive", "sentiment_reasoning": "text" }],
    }])
}
