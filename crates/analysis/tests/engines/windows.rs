//! A figure of a date is the same for every window and every later history; what is left out of a score or of the bars is said.

use analysis::indicators::{IndicatorSpec, compute};
use analysis::technical::technical;
use analysis::{
    Absence, AnalysisInput, Benchmark, DroppedRows, InputDifference, Models, RecursiveIndicators, Status,
    analyze,
};
use domain::{Bars, Date, DatedValues, History, PriceBasis, RawBar};
use serde_json::Value;

use crate::sample;

/// Figures of an analysis, and the indicator outputs that they are the newest values of.
const FIGURES: [(&str, &str, usize); 12] = [
    ("sma_200", "sma:200", 0),
    ("ema_26", "ema:26", 0),
    ("rsi", "rsi:14", 0),
    ("macd", "macd:12:26:9", 0),
    ("macd_signal", "macd:12:26:9", 1),
    ("adx", "adx:14", 0),
    ("atr", "atr:14", 0),
    ("stoch_d", "stoch:14:3:3", 1),
    ("cci", "cci:20", 0),
    ("mfi", "mfi:14", 0),
    ("williams_r", "willr:14", 0),
    ("obv", "obv", 0),
];

/// Numbers from a fixed linear congruence.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

fn history(symbol: &str) -> History {
    sample::histories().into_iter().find(|history| history.symbol().as_str() == symbol).unwrap()
}

fn until(values: &DatedValues, last: Date) -> DatedValues {
    let pairs = values.dates().iter().copied().zip(values.values().iter().copied());
    DatedValues::from_pairs(pairs.filter(|(date, _)| *date <= last))
}

#[test]
fn a_date_has_the_same_figures_in_every_window_and_in_every_series() {
    let histories = sample::histories();
    let specs = FIGURES.map(|(_, spec, _)| spec.parse::<IndicatorSpec>().unwrap());
    let series: Vec<_> = histories
        .iter()
        .map(|history| specs.each_ref().map(|spec| compute(spec, &history.adjusted().view())))
        .collect();
    let mut random = Random(10);
    let mut compared = 0;
    for _ in 0..500 {
        let at = random.below(histories.len());
        let (bars, raw) = (histories[at].adjusted().view(), histories[at].raw().view());
        let end = 1 + random.below(bars.len());
        let window_start = random.below(end);
        let (bars, raw) = (bars.range(0..end), raw.range(0..end));
        let daily = AnalysisInput::daily(histories[at].symbol(), bars, raw);
        let metrics = technical(&AnalysisInput { window_start, ..daily }).metrics;
        for ((name, _, output), series) in FIGURES.iter().zip(&series[at]) {
            let (got, expected) =
                (metrics.figure(name).unwrap().value(), series.outputs[*output].at(end - 1));
            let Some(expected) = expected else {
                assert_eq!(got, None, "{name} at {end}");
                continue;
            };
            let difference = (got.unwrap() - expected).abs() / expected.abs().max(1.0);
            assert!(difference <= 1e-9, "{name} at bar {end} from {window_start}: {got:?}, not {expected}");
            compared += 1;
        }
    }
    assert!(compared > 5_000, "{compared}");
}

#[test]
fn only_return_and_risk_depend_on_the_window() {
    let models = Models::bundled().unwrap();
    let (market, rate) = (sample::market(), sample::rate());
    let history = history("MSFT");
    let daily = AnalysisInput {
        benchmark: Some(Benchmark { name: "SPY", returns: &market }),
        risk_free: Some(&rate),
        ..AnalysisInput::daily(history.symbol(), history.adjusted().view(), history.raw().view())
    };
    let recursive = RecursiveIndicators::new(daily.bars);
    let of_window = |window_start, indicators| {
        let analysis = analyze(&AnalysisInput { window_start, indicators, ..daily }, &models);
        let json = serde_json::to_value(&analysis).unwrap();
        (json["technical"].clone(), json["models"].clone(), json["quantitative"]["metrics"].clone())
    };
    let all = of_window(0, None);
    for window_start in [1, 1_000, 3_018, 3_260] {
        let (technical, models, quantitative) = of_window(window_start, Some(&recursive));
        assert_eq!((&technical, &models), (&all.0, &all.1), "{window_start}");
        assert_eq!(quantitative["ewma_volatility"], all.2["ewma_volatility"], "{window_start}");
        assert_ne!(quantitative["volatility"]["value"], all.2["volatility"]["value"], "{window_start}");
    }
    // Indicators of other bars are not used.
    let other = RecursiveIndicators::new(daily.bars.range(0..3_000));
    assert_eq!(of_window(0, Some(&other)).0, all.0);
}

#[test]
fn the_high_of_a_year_spans_a_split() {
    let history = history("AAPL");
    // Three months after the split of 2 for 1 on 2005-02-28.
    let end = history.raw().view().position_since(date("2005-06-01"));
    let raw = history.raw().view().range(0..end);
    let (levels, levels_basis) = history.levels();
    let input = AnalysisInput {
        levels: levels.view().range(0..end),
        levels_basis,
        ..AnalysisInput::daily(history.symbol(), history.adjusted().view().range(0..end), raw)
    };
    let metrics = technical(&input).metrics;
    let figure = metrics.figure("week52_high").unwrap();
    let since = raw.position_since(raw.date[end - 1].minus_days(364));
    let split = raw.position_since(date("2005-02-28"));
    let highest = |prices: &[f64]| prices.iter().copied().fold(0.0, f64::max);
    let expected = highest(&raw.high[since..split]).max(2.0 * highest(&raw.high[split..])) / 2.0;
    assert!((figure.value().unwrap() - expected).abs() < 1e-9, "{figure:?}, not {expected}");
    assert!(highest(&raw.high[since..]) > 1.9 * expected, "as traded it is twice as high");
    assert_eq!(figure.span().price_basis, PriceBasis::Split);
    let low = metrics.figure("week52_low").unwrap().value().unwrap();
    assert!(low < 0.6 * raw.low[since], "{low}");
}

#[test]
fn a_market_that_ended_takes_alpha_out_of_the_score() {
    let models = Models::bundled().unwrap();
    let (market, rate) = (sample::market(), sample::rate());
    let history = history("IBM");
    let bars = history.adjusted().view();
    let with_market_until = |last: &str| {
        let market = until(&market, date(last));
        let input = AnalysisInput {
            window_start: bars.position_since(date("2012-03-02")),
            benchmark: Some(Benchmark { name: "SPY", returns: &market }),
            risk_free: Some(&rate),
            ..AnalysisInput::daily(history.symbol(), bars, history.raw().view())
        };
        analyze(&input, &models)
    };
    let complete = with_market_until("2013-02-28");
    assert_eq!(complete.quantitative.excluded, []);
    assert_eq!(complete.confidence.differences, []);
    let ended = with_market_until("2012-12-31");
    let excluded: Vec<_> = ended.quantitative.excluded.iter().map(|driver| driver.metric).collect();
    assert_eq!(excluded, ["alpha_arith"]);
    assert!(matches!(
        ended.quantitative.excluded[0].reason,
        Absence::BenchmarkIncomplete { common, returns: 249 } if (200..215).contains(&common)
    ));
    assert_eq!(ended.confidence.differences, [InputDifference::Drivers]);
    let alpha = ended.quantitative.metrics.unwrap().alpha_arith;
    assert!(alpha.value().is_some() && alpha.span().last_date == Some(date("2012-12-31")));
}

#[test]
fn a_series_with_hardly_any_trades_has_no_score() {
    let models = Models::bundled().unwrap();
    // One trade in ten days; between, the last price is repeated.
    let bar = |day: i32| {
        let close = 10.0 + f64::from(day / 10 % 7);
        let volume = f64::from(u8::from(day % 10 == 0));
        RawBar {
            date: Date::from_days(15_000 + day).unwrap(),
            open: close,
            high: close,
            low: close,
            close,
            volume,
        }
    };
    let (bars, _) = Bars::from_raw((0..400).map(bar));
    let symbol = "THIN".parse().unwrap();
    let analysis = analyze(&AnalysisInput::daily(&symbol, bars.view(), bars.view()), &models);
    let thin = |traded, expected| Some(Absence::ThinTrading { traded, expected });
    assert_eq!(
        (analysis.quantitative.status, analysis.quantitative.reason),
        (Status::Unavailable, thin(40, 400))
    );
    assert_eq!((analysis.technical.status, analysis.technical.reason), (Status::Unavailable, thin(20, 200)));
    assert!(analysis.quantitative.metrics.unwrap().volatility.value().is_some(), "figures are still shown");
    assert_eq!(analysis.overall_score, None);
}

#[test]
fn rows_that_were_left_out_are_counted_beside_each_figure_that_they_may_change() {
    let history = history("GOOG");
    let (bars, raw) = (history.adjusted().view(), history.raw().view());
    let newest = bars.len() - 1;
    // One of the newest ten bars, one of the newest hundred, and one without a date.
    let dates = [bars.date[newest - 99], bars.date[newest - 9]];
    let with = |dropped| {
        let input = AnalysisInput { dropped, ..AnalysisInput::daily(history.symbol(), bars, raw) };
        serde_json::to_value(technical(&input)).unwrap()
    };
    let clean = with(DroppedRows::default());
    assert!(!clean.to_string().contains("bars_dropped"));
    let some = with(DroppedRows { dates: &dates, undated: 0 });
    for (name, expected) in [("sma_20", 1), ("sma_200", 2), ("rsi", 2), ("week52_high", 2), ("obv_trend", 2)]
    {
        assert_eq!(some[name]["bars_dropped"], expected, "{name}");
    }
    let undated = with(DroppedRows { dates: &dates, undated: 1 });
    assert_eq!(
        (&undated["sma_20"]["bars_dropped"], &undated["sma_200"]["bars_dropped"]),
        (&2.into(), &3.into())
    );
    assert_eq!(some["cci"]["bars_dropped"], 1);
    let older = with(DroppedRows { dates: &dates[..1], undated: 0 });
    assert_eq!((&older["cci"]["bars_dropped"], &older["obv"]["bars_dropped"]), (&Value::Null, &1.into()));
}
