//! Windows of analyses: what belongs to a date is the same on every route, and what belongs to a window says which.

use std::fmt::Write;

use serde_json::{Value, json};
use tests::random::Random;
use tests::{Server, ServerOptions};

const SYMBOLS: [&str; 5] = ["AAPL", "FB", "GOOG", "IBM", "MSFT"];
const TIMEFRAMES: [&str; 3] = ["1d", "1w", "1M"];
/// Figures of an analysis, and the outputs of indicators that they are the newest values of.
const FIGURES: [(&str, &str, &str); 15] = [
    ("sma_20", "sma:20", "value"),
    ("sma_200", "sma:200", "value"),
    ("ema_26", "ema:26", "value"),
    ("macd", "macd:12:26:9", "macd"),
    ("macd_signal", "macd:12:26:9", "signal"),
    ("rsi", "rsi:14", "value"),
    ("adx", "adx:14", "value"),
    ("plus_di", "plus_di:14", "value"),
    ("atr", "atr:14", "value"),
    ("bb_upper", "bbands:20:2", "upper"),
    ("stoch_d", "stoch:14:3:3", "d"),
    ("cci", "cci:20", "value"),
    ("mfi", "mfi:14", "value"),
    ("williams_r", "willr:14", "value"),
    ("obv", "obv", "value"),
];

fn start() -> Server {
    ServerOptions::new().set("RATE_LIMIT_PER_MINUTE", "1000000").start()
}

fn get(server: &Server, path: &str) -> Value {
    let response = server.get(path, &[]);
    assert_eq!(response.status, 200, "{path}: {response:?}");
    response.json()
}

/// The value of each of [`FIGURES`] at bar `at` of the indicators' window.
fn values_at(indicators: &Value, at: usize) -> Vec<Value> {
    let series = indicators["indicators"].as_array().unwrap();
    let value = |(_, spec, output): &(&str, &str, &str)| {
        let series = series.iter().find(|series| series["indicator"] == *spec);
        series.unwrap_or_else(|| panic!("no {spec}"))["outputs"][output][at].clone()
    };
    FIGURES.iter().map(value).collect()
}

/// The figures of an analysis that differ from `expected` by more than 1e-9.
fn differences(analysis: &Value, expected: &[Value]) -> Vec<String> {
    let metrics = &analysis["technical"]["metrics"];
    let differs = |((name, ..), expected): &(&(&str, &str, &str), &Value)| {
        let value = &metrics[name]["value"];
        match (value.as_f64(), expected.as_f64()) {
            (Some(value), Some(expected)) => (value - expected).abs() > 1e-9 * expected.abs().max(1.0),
            (value, expected) => value.is_some() || expected.is_some(),
        }
    };
    let pairs = FIGURES.iter().zip(expected);
    pairs
        .filter(differs)
        .map(|((name, ..), expected)| format!("{name}: {}, not {expected}", metrics[name]))
        .collect()
}

fn names() -> String {
    let mut names: Vec<&str> = FIGURES.iter().map(|(_, spec, _)| *spec).collect();
    names.dedup();
    names.join(",")
}

#[test]
fn the_newest_bar_has_the_same_figures_in_every_window_of_both_routes() {
    let server = start();
    let mut random = Random::from_seed(21);
    for _ in 0..500 {
        let symbol = SYMBOLS[random.index(SYMBOLS.len())];
        let timeframe = TIMEFRAMES[random.index(TIMEFRAMES.len())];
        let days = [random.within(1..5_000), random.within(1..5_000)];
        let analysis = get(&server, &format!("/api/analyze/{symbol}?timeframe={timeframe}&days={}", days[0]));
        let path =
            format!("/api/indicators/{symbol}?timeframe={timeframe}&days={}&names={}", days[1], names());
        let indicators = get(&server, &path);
        // A week or month counts if it begins in the window.
        let Some(last) = indicators["dates"].as_array().unwrap().len().checked_sub(1) else { continue };
        let found = differences(&analysis, &values_at(&indicators, last));
        assert_eq!(found, Vec::<String>::new(), "{symbol} {timeframe} {days:?}");
    }
}

#[test]
fn a_date_in_the_past_has_the_same_figures_when_the_bars_until_then_are_posted() {
    let server = start();
    let bars = get(&server, "/api/bars/GOOG?days=20000");
    let bars = bars["bars"].as_array().unwrap();
    let indicators = get(&server, &format!("/api/indicators/GOOG?days=20000&names={}", names()));
    let mut random = Random::from_seed(22);
    for _ in 0..60 {
        let count = 1 + random.index(bars.len());
        let days = random.within(1..1_500);
        let body = json!({
            "symbol": "MINE", "price_basis": "split_dividend", "days": days, "bars": &bars[..count]
        });
        let response = server.post_json("/api/analyze", &[], &body.to_string());
        assert_eq!(response.status, 200, "{response:?}");
        let analysis = response.json();
        let found = differences(&analysis, &values_at(&indicators, count - 1));
        assert_eq!(found, Vec::<String>::new(), "{count} bars, {days} days");
        // Return and risk are those of the window.
        let newest: domain::Date = bars[count - 1]["date"].as_str().unwrap().parse().unwrap();
        let since = newest.minus_days(u32::try_from(days).unwrap() - 1).to_string();
        let first = bars[..count].iter().find(|bar| bar["date"].as_str().unwrap() >= since.as_str());
        assert_eq!(analysis["first_date"], first.unwrap()["date"], "{days} days before {newest}");
    }
}

/// Paths of figures without a value, and the reasons.
fn absent(value: &Value, path: &str, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(members) => {
            if members.get("definition").is_some() && members.get("value").is_some_and(Value::is_null) {
                found.push((path.to_owned(), members["reason"].clone()));
            }
            members.iter().for_each(|(name, member)| absent(member, &format!("{path}/{name}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| absent(item, &format!("{path}/{at}"), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn weeks_and_months_have_every_figure_by_default() {
    let server = start();
    for (timeframe, bars) in [("1d", 250), ("1w", 261), ("1M", 120)] {
        for symbol in ["AAPL", "IBM", "MSFT"] {
            let analysis = get(&server, &format!("/api/analyze/{symbol}?timeframe={timeframe}"));
            let used = analysis["bars_used"].as_u64().unwrap();
            assert!(used.abs_diff(bars) <= 1, "{used} bars of {timeframe}");
            for engine in ["technical", "quantitative"] {
                assert_eq!(analysis[engine]["status"], "available", "{symbol} {timeframe}");
                assert_eq!(analysis[engine]["excluded"], json!([]), "{symbol} {timeframe}");
            }
            let mut found = Vec::new();
            for part in ["technical", "quantitative", "models"] {
                absent(&analysis[part], part, &mut found);
            }
            // The whole history has 157 months; a mean of 200 has no value.
            let needs_more =
                |reason: &Value| timeframe == "1M" && reason["need"] == 200 && reason["have"] == 157;
            found.retain(|(path, reason)| path != "models/direction" && !needs_more(reason));
            assert_eq!(found, [], "{symbol} {timeframe}");
        }
    }
}

/// Daily bars of a wave, with `high` as the highest price of each.
fn wave(count: i32, high: impl Fn(i32, f64) -> f64) -> Vec<Value> {
    let first: domain::Date = "2020-01-01".parse().unwrap();
    let bar = |day: i32| {
        let date = domain::Date::from_days(first.days() + day).unwrap().to_string();
        let close = 100.0 + (f64::from(day) / 9.0).sin() + f64::from(day * day % 11);
        json!({"date": date, "open": close, "high": high(day, close), "low": close - 1.0, "close": close, "volume": 1000.0})
    };
    (0..count).map(bar).collect()
}

fn post(server: &Server, timeframe: &str, bars: &[Value]) -> tests::Response {
    let body = json!({"symbol": "MINE", "timeframe": timeframe, "bars": bars});
    server.post_json("/api/analyze", &[], &body.to_string())
}

#[test]
fn a_high_below_the_close_by_rounding_drops_nothing_and_what_is_dropped_is_counted_beside_its_figures() {
    let server = start();
    let exact = post(&server, "1d", &wave(300, |_, close| close)).json();
    let dust =
        post(&server, "1d", &wave(300, |day, close| if day % 5 == 0 { close.next_down() } else { close }));
    let dust = dust.json();
    assert_eq!(dust["quantitative"]["metrics"], exact["quantitative"]["metrics"]);
    assert_eq!(dust["data_quality"]["refused_total"], 0);
    assert!(!exact.to_string().contains("bars_dropped"));
    // A high that is a tenth too low is a contradiction: the bar is left out, and every figure that spans it says so.
    let wrong =
        post(&server, "1d", &wave(300, |day, close| if day == 200 { 0.9 * close } else { close })).json();
    assert_eq!(wrong["quantitative"]["metrics"]["sharpe_ratio"]["bars_dropped"], 1);
    assert_eq!(wrong["technical"]["metrics"]["sma_200"]["bars_dropped"], 1);
    assert_eq!(wrong["technical"]["metrics"]["rsi"]["bars_dropped"], 1);
    assert_eq!(wrong["technical"]["metrics"]["sma_20"]["bars_dropped"], Value::Null, "its bars are younger");
}

#[test]
fn bars_of_another_timeframe_are_refused() {
    let server = start();
    let daily = wave(300, |_, close| close);
    let weekly: Vec<Value> = daily.iter().step_by(7).cloned().collect();
    assert_eq!((post(&server, "1d", &daily).status, post(&server, "1w", &weekly).status), (200, 200));
    for (timeframe, bars, expected) in [
        (
            "1w",
            &daily,
            "bars: 2020-01-01 and 2020-01-02 are in one week, but 1w has one bar for each week; send daily bars as 1d",
        ),
        (
            "1M",
            &daily,
            "bars: 2020-01-01 and 2020-01-02 are in one month, but 1M has one bar for each month; send daily bars as 1d",
        ),
        (
            "1d",
            &weekly,
            "bars: most bars are 7 days apart or more, but 1d has one for each day; send weekly bars as 1w and monthly bars as 1M",
        ),
    ] {
        let response = post(&server, timeframe, bars);
        assert_eq!((response.status, response.json()["detail"].as_str()), (422, Some(expected)));
    }
}

#[test]
fn a_recommendation_says_what_is_known_of_its_skill_and_confidence_what_was_measured() {
    let server = start();
    let analysis = get(&server, "/api/analyze/MSFT");
    let recommendation = analysis["recommendation"].as_str().unwrap();
    assert!(recommendation.contains("No skill was found out of sample"), "{recommendation}");
    assert!(
        recommendation.contains("correlation of the score with the return of the next 21 bars was +0.01")
    );
    assert!(recommendation.contains("This signal was not measured itself: it has other inputs (engines)."));
    assert_eq!(analysis["confidence"]["differences"], json!(["engines"]), "with filings");
    assert_eq!(analysis["confidence"]["reliability"], "low");
    let longer = get(&server, "/api/analyze/MSFT?days=900");
    assert_eq!(longer["confidence"]["differences"], json!(["window", "engines"]));
    // The same without filings: exactly what was measured.
    let bars = get(&server, "/api/bars/MSFT?days=5000");
    let body = json!({"symbol": "MSFT", "price_basis": "split_dividend", "days": 365, "bars": &bars["bars"]});
    let measured = server.post_json("/api/analyze", &[], &body.to_string()).json();
    assert_eq!(measured["confidence"]["differences"], json!([]));
    let samples = measured["confidence"]["band"]["effective_samples"].as_f64().unwrap();
    let expected = if samples >= 200.0 { "measured" } else { "low" };
    assert_eq!(measured["confidence"]["reliability"], expected, "{}", measured["confidence"]);
    let value = |analysis: &Value| analysis["confidence"]["value"].as_f64().unwrap();
    assert!(value(&analysis) <= value(&measured), "filings were not measured, and cannot raise it");
}

#[test]
fn a_file_with_an_adjusted_close_says_that_its_volume_is_not_adjusted() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = "date,open,high,low,close,volume,adj_close\n".to_owned();
    let first: domain::Date = "2020-01-01".parse().unwrap();
    for day in 0..400 {
        // 2 for 1 on day 300: half the price, and twice the shares.
        let shares = if day < 300 { 1.0 } else { 2.0 };
        let close = (100.0 + f64::from(day * day % 11)) / shares;
        let adjusted = close * shares / 2.0;
        let date = domain::Date::from_days(first.days() + day).unwrap();
        writeln!(text, "{date},{close},{close},{close},{close},{},{adjusted}", 1000.0 * shares).unwrap();
    }
    std::fs::write(folder.path().join("MINE.csv"), text).unwrap();
    let server = ServerOptions::new().set("MARKET_DATA_DIR", folder.path().to_string_lossy()).start();
    let analysis = get(&server, "/api/analyze/MINE");
    let metrics = &analysis["technical"]["metrics"];
    for name in ["obv", "obv_trend", "mfi", "volume_ratio"] {
        assert_eq!(metrics[name]["volume_basis"], "raw", "{name}");
    }
    assert_eq!(metrics["rating"]["votes"][13]["volume_basis"], "raw");
    // Prices of the year span the split: adjusted, the highest is 109 / 2.
    assert_eq!(metrics["week52_high"]["value"], 54.5);
    assert_eq!(metrics["week52_high"]["price_basis"], "split_dividend");
    let indicators = get(&server, "/api/indicators/MINE?names=obv,rsi");
    assert_eq!(indicators["indicators"][0]["volume_basis"], "raw");
    assert_eq!(indicators["indicators"][1]["volume_basis"], Value::Null);
}
