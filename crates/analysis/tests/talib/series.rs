//! Full series of every core indicator on every bar, and all 61 patterns.

use crate::fixture::{Disagreement, Fixture, SYMBOLS, TOLERANCE, disagreement};
use analysis::indicators::{IndicatorSpec, compute};
use analysis::patterns;

/// Outputs of the core set by their names in the fixture.
const CORE: [&str; 21] = [
    "sma:20",
    "sma:50",
    "sma:200",
    "ema:12",
    "ema:26",
    "rsi:14",
    "macd:12:26:9 macd",
    "macd:12:26:9 signal",
    "macd:12:26:9 histogram",
    "bbands:20:2 upper",
    "bbands:20:2 middle",
    "bbands:20:2 lower",
    "adx:14",
    "plus_di:14",
    "minus_di:14",
    "atr:14",
    "stoch:14:3:3 k",
    "stoch:14:3:3 d",
    "cci:20",
    "mfi:14",
    "willr:14",
];

/// Our values for a fixture column such as `macd:12:26:9 signal`, NaN where there is none.
fn ours(fixture: &Fixture, column: &str) -> Vec<f64> {
    let (spec, output) = column.split_once(' ').unwrap_or((column, "value"));
    let spec: IndicatorSpec = spec.parse().unwrap();
    let series = compute(&spec, &fixture.bars());
    let output = series.outputs.iter().find(|candidate| candidate.name() == output).unwrap();
    (0..series.bars).map(|i| output.at(i).unwrap_or(f64::NAN)).collect()
}

#[test]
fn every_core_series_agrees_on_every_bar() {
    for symbol in SYMBOLS {
        let fixture = Fixture::load(symbol);
        for column in CORE {
            let difference = disagreement(fixture.reals(column), &ours(&fixture, column), TOLERANCE);
            assert_eq!(difference, None, "{symbol} {column}");
        }
    }
}

#[test]
fn on_balance_volume_is_exact() {
    for symbol in SYMBOLS {
        let fixture = Fixture::load(symbol);
        assert_eq!(ours(&fixture, "obv"), fixture.reals("obv"), "{symbol}");
    }
}

#[test]
fn every_pattern_agrees_on_every_bar() {
    for symbol in SYMBOLS {
        let fixture = Fixture::load(symbol);
        for (pattern, name) in patterns::NAMES.iter().enumerate() {
            let values = patterns::history(pattern, &fixture.bars());
            assert_eq!(values, fixture.integers(name), "{symbol} {name}");
        }
    }
}

#[test]
fn patterns_of_the_newest_bars_are_those_of_the_full_history_at_every_length() {
    for symbol in SYMBOLS {
        let fixture = Fixture::load(symbol);
        let history: Vec<&[i32]> = patterns::NAMES.iter().map(|name| fixture.integers(name)).collect();
        for bars in 1..=fixture.len() {
            let mut expected = Vec::new();
            for bars_ago in 0..patterns::NEWEST_BARS.min(bars) {
                let i = bars - 1 - bars_ago;
                for (name, values) in patterns::NAMES.iter().zip(&history) {
                    if values[i] != 0 {
                        expected.push((*name, values[i], bars_ago));
                    }
                }
            }
            let values: Vec<_> = patterns::newest(&fixture.first(bars))
                .iter()
                .map(|pattern| (pattern.name, pattern.value, pattern.bars_ago))
                .collect();
            assert_eq!(values, expected, "{symbol} at {bars} bars");
        }
    }
}

#[test]
fn a_wrong_value_a_missing_one_and_a_wrong_pattern_are_found() {
    let fixture = Fixture::load("AAPL");
    for column in CORE {
        let expected = fixture.reals(column);
        let mut values = ours(&fixture, column);
        let last = values.len() - 1;
        values[last] += 3e-9 * values[last].abs().max(1.0);
        assert_eq!(disagreement(expected, &values, TOLERANCE), Some(Disagreement::Value { bar: last }));
        values[last] = f64::NAN;
        assert_eq!(disagreement(expected, &values, TOLERANCE), Some(Disagreement::Presence { bar: last }));
        assert_eq!(disagreement(expected, &values[..last], TOLERANCE), Some(Disagreement::Length));
    }
    // A period that is off by one must not pass.
    let shifted = ours(&fixture, "rsi:15");
    assert_eq!(
        disagreement(fixture.reals("rsi:14"), &shifted, TOLERANCE),
        Some(Disagreement::Presence { bar: 14 })
    );
    assert_ne!(patterns::history(0, &fixture.bars()), fixture.integers(patterns::NAMES[1]));
}
