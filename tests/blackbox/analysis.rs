//! Analyses over HTTP: real numbers with their provenance, and a reason where there is no number.

use serde_json::{Value, json};
use tests::{Server, ServerOptions};

fn assert_close(found: &Value, expected: f64, tolerance: f64) {
    let found = found.as_f64().unwrap_or_else(|| panic!("{found} is a number"));
    assert!((found - expected).abs() <= tolerance * expected.abs().max(1.0), "{found}, not {expected}");
}

/// Collects every figure below a value.
fn collect_figures(value: &Value, found: &mut Vec<Value>) {
    match value {
        Value::Object(members) => {
            if members.contains_key("price_basis") && members.contains_key("value") {
                found.push(value.clone());
            }
            for member in members.values() {
                collect_figures(member, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_figures(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn risk_figures_of_a_real_company_equal_those_of_empyrical() {
    // AAPL 2000-03-01..2013-03-01, adjusted, 3,269 returns: empyrical-reloaded 0.7.1 on the same data.
    let server = ServerOptions::new().start();
    let response = server.get("/api/analyze/AAPL?days=5000", &[]);
    let analysis = response.json();
    let metrics = &analysis["quantitative"]["metrics"];
    assert_close(&metrics["volatility"]["value"], 0.459_642_768_6, 1e-10);
    assert_close(&metrics["max_drawdown"]["value"], -0.818_017_893_1, 1e-10);
    assert_close(&metrics["var_95"]["value"], -0.041_590_250_1, 1e-10);
    assert_close(&metrics["cvar_95"]["value"], -0.062_401_795_0, 1e-10);
    assert_close(&metrics["skewness"]["value"], -1.720_417_620_7, 1e-10);
    assert_close(&metrics["excess_kurtosis"]["value"], 34.196_184_507_8, 1e-10);
    assert_close(&metrics["cagr"]["value"], 0.221_539_576_0, 1e-10);
    assert_close(&metrics["beta"]["value"], 1.092_811_971_3, 1e-10);
    // As traded, not adjusted: the price for ratios with filed per-share figures.
    assert_close(&analysis["current_price"], 430.47, 1e-12);
    assert_eq!(analysis["as_of"], "2013-03-01");
    assert_eq!(analysis["data_source"], "bundled sample");
    assert_eq!(analysis["bars_used"], 3_270);
    assert_close(&analysis["fundamental"]["metrics"]["pe_ratio"]["value"], 430.47 / 44.15, 1e-10);
}

#[test]
fn the_newest_indicators_equal_ta_lib() {
    // TA-Lib 0.8.2 (Python wheel) at 2013-03-01 over the whole adjusted history; tests/fixtures/talib/make.py
    // writes every bar of every indicator; these two are its last rows.
    let server = ServerOptions::new().start();
    let analysis = server.get("/api/analyze/AAPL?days=5000", &[]).json();
    let metrics = &analysis["technical"]["metrics"];
    assert_close(&metrics["rsi"]["value"], 33.337_866_910_100_43, 1e-9);
    assert_close(&metrics["adx"]["value"], 31.957_208_817_625_848, 1e-9);
}

#[test]
fn every_figure_carries_its_provenance() {
    let server = ServerOptions::new().start();
    for symbol in ["AAPL", "MSFT", "IBM", "GOOG", "FB"] {
        let analysis = server.get(&format!("/api/analyze/{symbol}"), &[]).json();
        let mut found = Vec::new();
        collect_figures(&analysis, &mut found);
        assert!(found.len() > 40, "{symbol}: {} figures", found.len());
        for figure in found {
            for member in ["definition", "bars_used", "first_date", "last_date", "price_basis"] {
                // A ratio of filed figures alone uses no bars.
                let uses_no_bars = figure["bars_used"] == 0 || figure["value"].is_null();
                assert!(!figure[member].is_null() || uses_no_bars, "{member} of {figure}");
            }
            if figure["value"].is_null() {
                assert!(figure["reason"]["code"].is_string(), "{figure}");
            }
        }
        assert_eq!(analysis["sentiment"]["status"], "unavailable", "no news is bundled");
        assert!(analysis.to_string().contains("contribution"));
    }
}

#[test]
fn a_short_history_is_reported_with_the_bars_needed() {
    // FB was listed on 2012-05-18: 196 bars, too few for a 200-bar average.
    let server = ServerOptions::new().start();
    let analysis = server.get("/api/analyze/FB?days=5000", &[]).json();
    assert_eq!(analysis["bars_used"], 196);
    let sma = &analysis["technical"]["metrics"]["sma_200"];
    assert_eq!(sma["value"], Value::Null);
    assert_eq!(sma["reason"], json!({"code": "insufficient_history", "need": 200, "have": 196}));
    assert!(analysis["technical"]["metrics"]["sma_50"]["value"].is_number());
}

fn generated_bars(count: usize, price: impl Fn(usize) -> [f64; 4]) -> Value {
    let bars: Vec<Value> = (0..count)
        .map(|i| {
            let [open, high, low, close] = price(i);
            let date = format!("{:04}-{:02}-{:02}", 2000 + i / 336, i / 28 % 12 + 1, i % 28 + 1);
            json!({"date": date, "open": open, "high": high, "low": low, "close": close, "volume": 1000.0})
        })
        .collect();
    json!({"symbol": "OWN", "bars": bars})
}

fn analyze(server: &Server, body: &Value) -> Value {
    let response = server.post_json("/api/analyze", &[], &body.to_string());
    assert_eq!(response.status, 200, "{response:?}");
    response.json()
}

#[test]
fn a_flat_series_has_an_rsi_of_50_and_no_signal() {
    let server = ServerOptions::new().start();
    let analysis = analyze(&server, &generated_bars(300, |_| [10.0; 4]));
    let metrics = &analysis["technical"]["metrics"];
    assert_eq!(metrics["rsi"]["value"], 50.0);
    assert_eq!(metrics["rsi"]["flag"], "flat");
    assert_eq!(analysis["overall_signal"], Value::Null, "no votes, no signal: not even a neutral one");
    assert_eq!(analysis["quantitative"]["metrics"]["sharpe_ratio"]["value"], Value::Null);
}

#[test]
fn a_rising_series_has_an_rsi_of_100_from_bar_14_on() {
    let server = ServerOptions::new().start();
    let rising = |i: usize| [10.0 + i as f64; 4];
    let analysis = analyze(&server, &generated_bars(15, rising));
    assert_eq!(analysis["technical"]["metrics"]["rsi"]["value"], 100.0);
    let short = analyze(&server, &generated_bars(14, rising));
    assert_eq!(
        short["technical"]["metrics"]["rsi"]["reason"],
        json!({"code": "insufficient_history", "need": 15, "have": 14})
    );
}

#[test]
fn three_bars_yield_no_invented_numbers() {
    let server = ServerOptions::new().start();
    let analysis = analyze(&server, &generated_bars(3, |i| [10.0, 12.0, 9.0, 10.0 + i as f64]));
    assert_eq!(analysis["bars_used"], 3);
    assert_ne!(analysis["technical"]["status"], "available");
    assert_ne!(analysis["quantitative"]["status"], "available");
    assert_eq!(analysis["overall_score"], Value::Null);
}

#[test]
fn tiny_prices_scale_like_any_other() {
    let server = ServerOptions::new().start();
    let wave = |scale: f64| {
        move |i: usize| {
            let close = scale * (10.0 + (i as f64 / 7.0).sin());
            [close, close * 1.01, close * 0.99, close]
        }
    };
    let small = analyze(&server, &generated_bars(300, wave(1e-12)));
    let ordinary = analyze(&server, &generated_bars(300, wave(1.0)));
    for name in ["rsi", "bb_percent_b", "adx"] {
        let expected = ordinary["technical"]["metrics"][name]["value"].as_f64().unwrap();
        assert_close(&small["technical"]["metrics"][name]["value"], expected, 1e-6);
    }
    let width = small["technical"]["metrics"]["bb_width"]["value"].as_f64().unwrap();
    assert!(width > 0.0, "TA-Lib 0.6.8 returned 0 here");
}

#[test]
fn inconsistent_bars_are_listed_and_left_out() {
    let server = ServerOptions::new().start();
    let mut body = generated_bars(60, |i| [10.0 + i as f64; 4]);
    let clean = analyze(&server, &body);
    let bars = body["bars"].as_array_mut().unwrap();
    let (copy, first) = (bars[30].clone(), bars[0].clone());
    bars.insert(31, copy);
    bars.insert(40, first);
    bars.insert(
        50,
        // Before all others, so that no figure lacks it.
        json!({"date": "1999-01-01", "open": 1.0, "high": 0.5, "low": 1.0, "close": 1.0, "volume": 1.0}),
    );
    let cleaned = analyze(&server, &body);
    assert_eq!(cleaned["bars_used"], 60);
    let rejected = cleaned["data_quality"]["refused"].as_array().unwrap();
    let reasons: Vec<(u64, &str)> = rejected
        .iter()
        .map(|bar| (bar["position"].as_u64().unwrap(), bar["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(reasons, [(31, "duplicate_date"), (40, "duplicate_date"), (50, "inconsistent")]);
    assert_eq!(cleaned["technical"], clean["technical"], "what is left out changes nothing");
}

#[test]
fn numbers_that_json_cannot_represent_are_rejected() {
    let server = ServerOptions::new().start();
    for number in ["NaN", "1e400", "Infinity", "\"10\"", "null"] {
        let body = format!(
            r#"{{"symbol":"OWN","bars":[{{"date":"2013-01-02","open":{number},"high":2,"low":1,"close":2,"volume":5}}]}}"#
        );
        let status = server.post_json("/api/analyze", &[], &body).status;
        assert!([400, 422].contains(&status), "{number}: {status}");
    }
}

#[test]
fn weekly_and_monthly_bars_aggregate_daily_ones() {
    let server = ServerOptions::new().start();
    let week = server.get("/api/analyze/IBM?timeframe=1w&days=5000", &[]).json();
    let month = server.get("/api/analyze/IBM?timeframe=1M&days=5000", &[]).json();
    // pandas: len(ibm.resample('W').last()) and len(ibm.resample('ME').last()) without empty groups.
    assert_eq!(week["bars_used"], 679);
    assert_eq!(month["bars_used"], 157);
    assert_eq!(week["current_price"], month["current_price"]);
}

#[test]
fn an_unchanged_response_is_not_sent_again() {
    let server = ServerOptions::new().start();
    for path in
        ["/api/analyze/GOOG", "/api/bars/GOOG", "/api/indicators/GOOG?names=rsi:14,macd", "/api/symbols"]
    {
        let first = server.get(path, &[]);
        assert_eq!(first.status, 200, "{first:?}");
        let tag = first.header("etag").unwrap_or_else(|| panic!("{path} has an ETag")).to_owned();
        let second = server.get(path, &[("if-none-match", &tag)]);
        assert_eq!((second.status, second.body.as_str()), (304, ""), "{path}");
        assert_eq!(second.header("etag"), Some(tag.as_str()));
        assert_eq!(server.get(path, &[("if-none-match", "\"other\"")]).status, 200);
    }
}

#[test]
fn series_have_a_value_or_null_for_each_bar() {
    let server = ServerOptions::new().start();
    let response = server.get("/api/indicators/MSFT?names=rsi:14,sma:50,macd&days=200", &[]).json();
    let text = response.to_string();
    for name in ["rsi:14", "sma:50", "macd"] {
        assert!(text.contains(name), "{name} in {text}");
    }
    let bars = server.get("/api/bars/MSFT?days=200", &[]).json();
    let first = &bars["bars"][0];
    for member in ["date", "open", "high", "low", "close", "volume"] {
        assert!(!first[member].is_null(), "{member} in {first}");
    }
}
