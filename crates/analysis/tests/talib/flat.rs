//! Prices that do not move, only rise, or are tiny: expected figures, and no votes.

use analysis::Absence;
use analysis::indicators::compute;
use domain::{Bars, Date, RawBar};

use crate::fixture::analysis;

fn bars(prices: impl IntoIterator<Item = f64>) -> Bars {
    let (bars, refused) = Bars::from_raw(prices.into_iter().enumerate().map(|(day, price)| {
        let date = Date::from_days(day as i32).unwrap();
        RawBar { date, open: price, high: price, low: price, close: price, volume: 1_000.0 }
    }));
    assert!(refused.is_empty());
    bars
}

#[test]
fn a_flat_series_has_conventional_values_with_a_flag() {
    // 0.1 is not an exact float: its sums have rounding errors, which must not count as movement.
    let analysis = analysis(&bars([0.1; 300]));
    for (name, value, is_flat) in [
        ("rsi", Some(50.0), true),
        ("stoch_k", Some(0.0), true),
        ("stoch_d", Some(0.0), true),
        ("cci", Some(0.0), true),
        ("mfi", Some(0.0), true),
        ("adx", Some(0.0), true),
        ("plus_di", Some(0.0), true),
        ("minus_di", Some(0.0), true),
        ("williams_r", Some(0.0), true),
        ("atr", Some(0.0), false),
        ("bb_width", Some(0.0), false),
        ("bb_percent_b", None, false),
        ("volume_ratio", Some(1.0), false),
    ] {
        let figure = analysis.metrics.figure(name).unwrap();
        assert_eq!((figure.value(), figure.is_flat()), (value, is_flat), "{name}");
    }
    assert_eq!(analysis.metrics.figure("bb_percent_b").unwrap().absence(), Some(Absence::Flat));
}

#[test]
fn a_flat_series_casts_no_buy_or_sell_vote() {
    for price in [0.1, 1e-12, 123.456] {
        let rating = analysis(&bars([price; 300])).rating;
        assert_eq!((rating.buy, rating.sell), (0, 0), "{price}");
        let absent: Vec<_> = rating.votes.iter().filter(|vote| vote.vote.is_none()).collect();
        assert!(absent.iter().all(|vote| vote.reason == Some(Absence::Flat)));
        let names: Vec<_> = absent.iter().map(|vote| vote.name).collect();
        let indices = [
            "rsi_14",
            "stochastic_14_3_3",
            "cci_20",
            "adx_14",
            "stochastic_rsi_3_3_14_14",
            "williams_r_14",
            "ultimate_7_14_28",
        ];
        assert_eq!(names, indices);
    }
}

#[test]
fn rsi_is_100_when_rising_50_when_flat_and_starts_at_bar_14() {
    for (prices, expected) in [((1..=15).map(f64::from).collect(), 100.0), (vec![7.0; 15], 50.0)] {
        let bars: Bars = bars(Vec::from_iter(prices));
        let series = compute(&"rsi:14".parse().unwrap(), &bars.view());
        assert_eq!((series.outputs[0].at(13), series.outputs[0].at(14)), (None, Some(expected)));
        assert_eq!(analysis(&bars).metrics.figure("rsi").unwrap().value(), Some(expected));
    }
}

#[test]
fn too_few_bars_say_how_many_are_needed() {
    let series = compute(&"macd".parse().unwrap(), &bars([1.0; 33]).view());
    assert_eq!(series.reason, Some(Absence::InsufficientHistory { need: 34, have: 33 }));
    assert!(series.flat && series.outputs.iter().all(|output| output.at(32).is_none()));
    let none = compute(&"obv".parse().unwrap(), &bars([]).view());
    assert_eq!(none.reason, Some(Absence::InsufficientHistory { need: 1, have: 0 }));
}

#[test]
fn a_shorter_history_has_no_52_week_figures() {
    let short = analysis(&bars((0..300).map(|day| 100.0 + f64::from(day))));
    let need = Some(Absence::Missing { what: "bars of a full year" });
    assert_eq!(short.metrics.figure("week52_high").unwrap().absence(), need);
    // Bars of every calendar day: the last 365 are days 35 to 399.
    let long = analysis(&bars((0..400).map(|day| 100.0 + f64::from(day))));
    let low = long.metrics.figure("week52_low").unwrap();
    assert_eq!((low.value(), low.span().bars_used), (Some(135.0), 365));
}

#[test]
fn the_json_has_the_documented_shape() {
    let analysis = analysis(&bars((0..40).map(|day| 100.0 + f64::from(day % 5))));
    let json: serde_json::Value = serde_json::to_value(&analysis).unwrap();
    assert_eq!(json["rsi"]["bars_used"], 40);
    assert_eq!(json["sma_20"]["value"], 102.0);
    assert_eq!(json["sma_20"]["first_date"], "1970-01-21");
    assert_eq!(json["sma_50"]["value"], serde_json::Value::Null);
    assert_eq!(
        json["sma_50"]["reason"],
        serde_json::json!({"code": "insufficient_history", "need": 50, "have": 40})
    );
    let votes = json["rating"]["votes"].as_array().unwrap();
    // Closes of the last ten bars are 100 to 104 twice.
    assert_eq!(
        (&votes[0]["name"], &votes[0]["values"]),
        (&"sma_10".into(), &serde_json::json!({"average": 102.0}))
    );
    for vote in votes {
        assert_eq!(vote["vote"].is_null(), vote["values"].is_null(), "{vote}");
    }
    for of_volume in [&json["obv"], &json["obv_trend"], &json["mfi"], &json["volume_ratio"], &votes[13]] {
        assert_eq!(of_volume["volume_basis"], "split", "{of_volume}");
    }
    assert_eq!(
        (&votes[13]["name"], &json["rsi"]["volume_basis"]),
        (&"vwma_20".into(), &serde_json::Value::Null)
    );
    assert_eq!(json["trend"]["value"], serde_json::Value::Null);
    assert!(json["detected_patterns"].is_array());
}
