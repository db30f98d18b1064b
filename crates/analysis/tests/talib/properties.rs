//! Properties for any bars: no look-ahead, the same bits incrementally as at once, no dependence on the unit of price.

use analysis::indicators::{IndicatorSpec, IndicatorState, compute};
use analysis::patterns;
use analysis::technical::{Metric, TrendDirection};
use domain::BarsView;
use proptest::prelude::*;

use crate::fixture::{Fixture, TOLERANCE, analysis};
use crate::fuzz::bars;

const BARS_MOST: usize = 320;

/// Every indicator with usual and with unusual parameters.
fn specs() -> Vec<IndicatorSpec> {
    let texts = [
        "sma:20,sma:2,ema:12,ema:2,rsi:14,rsi:2,macd,macd:2:3:2,bbands:20:2,bbands:3:2.5,adx:14,adx:2,plus_di:14",
        "minus_di:14,minus_di:3,atr:14,atr:2,stoch:14:3:3,stoch:5:1:1,obv,cci:20,cci:3,mfi:14,mfi:2,willr:14,willr:2",
    ];
    texts.iter().flat_map(|text| IndicatorSpec::parse_list(text).unwrap()).collect()
}

/// Bits of every output at every bar, `None` where there is no value.
fn bits(spec: &IndicatorSpec, bars: &BarsView<'_>) -> Vec<Vec<Option<u64>>> {
    let series = compute(spec, bars);
    let column = |output: &analysis::indicators::Output| {
        (0..series.bars).map(|i| output.at(i).map(f64::to_bits)).collect()
    };
    series.outputs.iter().map(column).collect()
}

/// Whether the first `count` values are the same for only the first `count` bars.
fn looks_back_only<T: PartialEq>(
    all: &BarsView<'_>,
    count: usize,
    values: impl Fn(&BarsView<'_>) -> Vec<Vec<T>>,
) -> bool {
    let (full, prefix) = (values(all), values(&all.range(0..count)));
    full.len() == prefix.len() && full.iter().zip(&prefix).all(|(full, prefix)| full[..count] == prefix[..])
}

#[test]
fn look_ahead_is_detected() {
    let fixture = Fixture::load("IBM");
    let all = fixture.bars();
    let share_of_highest = |bars: &BarsView<'_>| {
        let highest = bars.high.iter().copied().fold(0.0, f64::max);
        vec![bars.close.iter().map(|close| (close / highest).to_bits()).collect()]
    };
    assert!(!looks_back_only(&all, 50, share_of_highest));
    assert!(looks_back_only(&all, 50, |bars| bits(&"rsi".parse().unwrap(), bars)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_value_does_not_change_when_bars_are_added(bars in bars(BARS_MOST), cut in 0.0..1.0_f64) {
        let all = bars.view();
        let count = (all.len() as f64 * cut) as usize;
        for spec in specs() {
            let is_stable = looks_back_only(&all, count, |bars| bits(&spec, bars));
            prop_assert!(is_stable, "{}", spec);
        }
        let histories = |bars: &BarsView<'_>| {
            (0..patterns::PATTERNS).map(|pattern| patterns::history(pattern, bars)).collect()
        };
        let are_stable = looks_back_only(&all, count, histories);
        prop_assert!(are_stable);
    }

    #[test]
    fn appending_bars_gives_the_bits_of_computing_them_at_once(bars in bars(BARS_MOST), cut in 0.0..1.0_f64) {
        let all = bars.view();
        for spec in specs() {
            let full = bits(&spec, &all);
            let lookback = compute(&spec, &all).lookback;
            let warm = lookback + 1 + (all.len().saturating_sub(lookback + 1) as f64 * cut) as usize;
            prop_assert!(IndicatorState::from_bars(&spec, &all.range(0..lookback.min(all.len()))).is_none());
            if warm > all.len() {
                continue;
            }
            let mut state = IndicatorState::from_bars(&spec, &all.range(0..warm)).unwrap();
            for i in warm - 1..all.len() {
                let newest = if i < warm { state.newest() } else { state.append(&all.bar(i)) };
                let newest: Vec<_> = newest.iter().map(|value| Some(value.to_bits())).collect();
                let expected: Vec<_> = full.iter().map(|column| column[i]).collect();
                prop_assert_eq!(newest, expected, "{} at bar {}", spec, i);
            }
        }
    }

    /// A power of two scales floats without rounding, so that even bits must agree.
    #[test]
    fn the_unit_of_price_and_volume_does_not_matter(bars in bars(BARS_MOST), exponent in -45..45_i32) {
        let unit = 2.0_f64.powi(exponent);
        let factors = vec![unit; bars.len()];
        let scaled = bars.scaled(&factors, &factors);
        let one = analysis(&bars);
        let other = analysis(&scaled);
        prop_assert_eq!(one.rating.score, other.rating.score);
        for (one, other) in one.rating.votes.iter().zip(&other.rating.votes) {
            prop_assert_eq!((one.name, one.vote, one.reason), (other.name, other.vote, other.reason));
        }
        prop_assert_eq!(&one.detected_patterns, &other.detected_patterns);
        for ((name, one), (_, other)) in one.metrics.iter().zip(other.metrics.iter()) {
            match (one, other) {
                (Metric::Figure(one), Metric::Figure(other)) => {
                    let unit = if is_in_units(name) { unit } else { 1.0 };
                    prop_assert_eq!(one.value().map(|value| value * unit), other.value(), "{}", name);
                    prop_assert_eq!(one.is_flat(), other.is_flat(), "{}", name);
                }
                (one, other) => prop_assert_eq!(format!("{one:?}"), format!("{other:?}")),
            }
        }
    }

    #[test]
    fn the_newest_row_is_the_last_of_the_series(bars in bars(BARS_MOST)) {
        let analysis = analysis(&bars);
        for (name, spec, output) in [
            ("sma_20", "sma:20", 0), ("ema_12", "ema:12", 0), ("rsi", "rsi:14", 0), ("macd", "macd", 0),
            ("macd_signal", "macd", 1), ("macd_histogram", "macd", 2), ("bb_upper", "bbands:20:2", 0),
            ("bb_lower", "bbands:20:2", 2), ("adx", "adx:14", 0), ("plus_di", "plus_di:14", 0),
            ("minus_di", "minus_di:14", 0), ("atr", "atr:14", 0), ("stoch_k", "stoch", 0), ("stoch_d", "stoch", 1),
            ("obv", "obv", 0), ("cci", "cci:20", 0), ("mfi", "mfi:14", 0), ("williams_r", "willr:14", 0),
        ] {
            let series = compute(&spec.parse().unwrap(), &bars.view());
            let last = bars.len().checked_sub(1).and_then(|last| series.outputs[output].at(last));
            let newest = analysis.metrics.figure(name).unwrap().value();
            prop_assert_eq!(last.is_some(), newest.is_some(), "{}", name);
            if let (Some(last), Some(newest)) = (last, newest) {
                prop_assert!((last - newest).abs() <= TOLERANCE * last.abs().max(1.0), "{name}: {last} or {newest}");
            }
        }
    }

    #[test]
    fn every_value_is_finite_and_within_bounds_or_has_a_reason(bars in bars(BARS_MOST)) {
        let analysis = analysis(&bars);
        let rating = &analysis.rating;
        for mean in [rating.score, rating.moving_averages, rating.oscillators].into_iter().flatten() {
            prop_assert!((-1.0..=1.0).contains(&mean));
        }
        prop_assert_eq!(rating.buy + rating.neutral + rating.sell + rating.absent, rating.votes.len());
        for (name, metric) in analysis.metrics.iter() {
            match metric {
                Metric::Figure(figure) => {
                    prop_assert!(figure.value().is_none_or(f64::is_finite));
                    prop_assert_eq!(figure.value().is_none(), figure.absence().is_some());
                    let percent = ["rsi", "stoch_k", "stoch_d", "mfi", "adx", "plus_di", "minus_di"].contains(name);
                    if let (true, Some(value)) = (percent, figure.value()) {
                        prop_assert!((-1e-9..=100.0 + 1e-9).contains(&value), "{name} {value}");
                    }
                }
                Metric::Trend(tendency) => {
                    prop_assert_eq!(tendency.value.is_none(), tendency.reason.is_some());
                    prop_assert!(tendency.value != Some(TrendDirection::Up) || bars.len() >= 20);
                }
            }
        }
    }
}

/// Whether a figure is in units of price or volume; the others are ratios.
fn is_in_units(name: &str) -> bool {
    let exact = ["macd", "macd_signal", "macd_histogram", "atr", "obv", "support", "resistance"];
    let prefixes = ["sma_", "ema_", "week52_", "bb_upper", "bb_middle", "bb_lower"];
    exact.contains(&name) || prefixes.iter().any(|prefix| name.starts_with(prefix))
}
