//! RSI, EMA and ATR by their textbook formulas, compared with the product's values.
//!
//! Wilder, New Concepts in Technical Trading Systems (1978): every average below is computed from its seed.

use analysis::indicators::compute;
use domain::BarsView;
use proptest::prelude::*;

use crate::fixture::{Fixture, SYMBOLS, TOLERANCE, disagreement};
use crate::fuzz::bars;

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Computes every bar from scratch; no value is carried over.
fn by_bar(bars: &BarsView<'_>, first: usize, value: impl Fn(usize) -> f64) -> Vec<f64> {
    (0..bars.len()).map(|i| if i < first { f64::NAN } else { value(i) }).collect()
}

/// Wilder's average of `values`: plain mean of the first `n`, then 13 parts of the old and one of the new (n = 14).
fn wilder(values: &[f64], n: usize) -> f64 {
    let seed = mean(&values[..n]);
    values[n..].iter().fold(seed, |average, value| (average * (n as f64 - 1.0) + value) / n as f64)
}

fn rsi(bars: &BarsView<'_>, n: usize) -> Vec<f64> {
    by_bar(bars, n, |i| {
        let changes: Vec<f64> = bars.close[..=i].windows(2).map(|pair| pair[1] - pair[0]).collect();
        let gains: Vec<f64> = changes.iter().map(|change| change.max(0.0)).collect();
        let losses: Vec<f64> = changes.iter().map(|change| (-change).max(0.0)).collect();
        let (gain, loss) = (wilder(&gains, n), wilder(&losses, n));
        match (gain == 0.0, loss == 0.0) {
            (true, true) => 50.0,
            (_, true) => 100.0,
            _ => 100.0 - 100.0 / (1.0 + gain / loss),
        }
    })
}

fn ema(bars: &BarsView<'_>, n: usize) -> Vec<f64> {
    let k = 2.0 / (n as f64 + 1.0);
    by_bar(bars, n - 1, |i| {
        bars.close[n..=i.max(n - 1)]
            .iter()
            .fold(mean(&bars.close[..n]), |ema, price| price * k + ema * (1.0 - k))
    })
}

fn atr(bars: &BarsView<'_>, n: usize) -> Vec<f64> {
    by_bar(bars, n, |i| {
        let ranges: Vec<f64> = (1..=i)
            .map(|day| {
                let yesterday = bars.close[day - 1];
                let (high, low) = (bars.high[day].max(yesterday), bars.low[day].min(yesterday));
                high - low
            })
            .collect();
        wilder(&ranges, n)
    })
}

fn agree(bars: &BarsView<'_>, spec: &str, expected: &[f64]) -> bool {
    let series = compute(&spec.parse().unwrap(), bars);
    let values: Vec<f64> = (0..bars.len()).map(|i| series.outputs[0].at(i).unwrap_or(f64::NAN)).collect();
    disagreement(expected, &values, TOLERANCE).is_none()
}

#[test]
fn the_textbook_formulas_agree_on_real_bars() {
    for symbol in SYMBOLS {
        let fixture = Fixture::load(symbol);
        // Every bar is computed from the first one, so that the cost grows with the square of the length.
        let bars = fixture.first(600);
        assert!(agree(&bars, "rsi:14", &rsi(&bars, 14)), "{symbol}");
        assert!(agree(&bars, "ema:12", &ema(&bars, 12)), "{symbol}");
        assert!(agree(&bars, "atr:14", &atr(&bars, 14)), "{symbol}");
        assert!(!agree(&bars, "rsi:14", &rsi(&bars, 13)), "another period must not agree");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_textbook_formulas_agree_on_any_bars(bars in bars(150), n in 2..20_usize) {
        let view = bars.view();
        let rsi_agrees = agree(&view, &format!("rsi:{n}"), &rsi(&view, n));
        let ema_agrees = agree(&view, &format!("ema:{n}"), &ema(&view, n));
        let atr_agrees = agree(&view, &format!("atr:{n}"), &atr(&view, n));
        prop_assert_eq!((rsi_agrees, ema_agrees, atr_agrees), (true, true, true));
    }
}
