//! The complete analysis of the bundled sample and of unusual bars.

use std::collections::BTreeSet;

use analysis::{Absence, Analysis, AnalysisInput, Benchmark, InputDifference, Models, Status, analyze};
use domain::{Bars, BarsView, Date, DatedValues, History, NewsItem, RawBar, Symbol, Timeframe, Tone};
use proptest::prelude::*;
use serde_json::Value;
use utoipa::{PartialSchema, ToSchema};

use crate::sample;

/// Everything that an analysis needs besides bars.
struct Context {
    market: DatedValues,
    rate: DatedValues,
    news: Option<Vec<NewsItem>>,
    models: Models,
}

impl Context {
    fn new() -> Self {
        let (market, rate) = (sample::market(), sample::rate());
        Self { market, rate, news: None, models: Models::bundled().unwrap() }
    }

    fn analyze(
        &self,
        symbol: &Symbol,
        timeframe: Timeframe,
        bars: BarsView<'_>,
        raw: BarsView<'_>,
    ) -> Analysis {
        let input = AnalysisInput { timeframe, ..self.input(symbol, bars, raw) };
        let daily = input.daily.filter(|_| timeframe == Timeframe::Day);
        analyze(&AnalysisInput { daily, ..input }, &self.models)
    }

    /// Daily bars with everything else that is known.
    fn input<'a>(&'a self, symbol: &'a Symbol, bars: BarsView<'a>, raw: BarsView<'a>) -> AnalysisInput<'a> {
        AnalysisInput {
            benchmark: Some(Benchmark { name: "SPY", returns: &self.market }),
            risk_free: Some(&self.rate),
            news: self.news.as_deref(),
            now_unix_s: 1_362_160_800,
            ..AnalysisInput::daily(symbol, bars, raw)
        }
    }

    fn analyze_history(&self, history: &History) -> Analysis {
        let (bars, raw) = (history.adjusted().view(), history.raw().view());
        self.analyze(history.symbol(), Timeframe::Day, bars, raw)
    }
}

fn history(symbol: &str) -> History {
    sample::histories().into_iter().find(|history| history.symbol().as_str() == symbol).unwrap()
}

/// Fields that may be null without a reason beside them.
const NULLABLE: [&str; 24] = [
    "as_of",
    "first_date",
    "last_date",
    "current_price",
    "overall_signal",
    "overall_score",
    "overall_confidence",
    "reason",
    "band",
    "standard_error",
    "value",
    "hit_rate",
    "signal",
    "score",
    "metrics",
    "benchmark",
    "drawdown",
    "recovery",
    "vote",
    "moving_averages",
    "oscillators",
    "year",
    "auc",
    "calibration",
];

/// Paths of disallowed nulls: a NaN or an infinity is written as null, and would appear here.
fn unexplained(value: &Value, path: &str, nulls: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if members.get("value").is_some_and(Value::is_null) && !members.contains_key("reason") {
                nulls.push(format!("{path} is null without a reason"));
            }
            for (name, member) in members {
                if member.is_null() && !NULLABLE.contains(&name.as_str()) {
                    nulls.push(format!("{path}/{name}"));
                }
                unexplained(member, &format!("{path}/{name}"), nulls);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| unexplained(item, path, nulls)),
        _ => {}
    }
}

fn unexplained_nulls(analysis: &Analysis) -> Vec<String> {
    let mut nulls = Vec::new();
    unexplained(&serde_json::to_value(analysis).unwrap(), "", &mut nulls);
    nulls
}

#[test]
fn every_value_of_a_long_history_is_explained() {
    let analysis = Context::new().analyze_history(&history("AAPL"));
    assert_eq!(unexplained_nulls(&analysis), Vec::<String>::new());
    assert_eq!(analysis.current_price, Some(430.47));
    assert_eq!(
        (analysis.technical.status, analysis.quantitative.status),
        (Status::Available, Status::Available)
    );
    assert_eq!(
        (analysis.fundamental.status, analysis.sentiment.status),
        (Status::Unavailable, Status::Unavailable)
    );
    assert_eq!(analysis.missing.len(), 2);
    let sum: f64 = analysis.contributions.iter().map(|part| part.contribution).sum();
    assert!((sum - analysis.overall_score.unwrap()).abs() < 1e-12);
    let mut json = Vec::new();
    json_writer::write(&mut json, &analysis).unwrap();
    assert!(json == serde_json::to_vec(&analysis).unwrap());
    let confidence = analysis.overall_confidence.unwrap();
    assert!((confidence - analysis.overall_score.unwrap().abs()).abs() > 1e-6 && confidence < 1.0);
    assert!(analysis.explanation.len() >= 5, "{:?}", analysis.explanation);
    assert_eq!(analysis.models.direction.status, "not_offered");
    for fall in &analysis.models.fall_risk.falls {
        let probability = fall.probability.value().unwrap();
        assert!((0.0..=1.0).contains(&probability));
    }
    let volatility = &analysis.models.volatility;
    assert!(volatility.low_80.value() < volatility.volatility.value());
    assert!(volatility.volatility.value() < volatility.high_80.value());
}

#[test]
fn a_company_with_196_bars_has_no_figures_of_a_year() {
    let analysis = Context::new().analyze_history(&history("FB"));
    assert_eq!(unexplained_nulls(&analysis), Vec::<String>::new());
    assert_eq!(analysis.bars_used, 196);
    let metrics = analysis.technical.metrics.unwrap().metrics;
    let insufficient = |name: &str| {
        let absence = metrics.figure(name).unwrap().absence();
        matches!(absence, Some(Absence::InsufficientHistory { have: 196, .. }))
    };
    assert!(insufficient("sma_200") && insufficient("week52_high"));
}

#[test]
fn bars_rates_and_returns_of_later_dates_change_nothing() {
    let context = Context::new();
    let history = history("IBM");
    for count in [49, 300, 1500] {
        let (bars, raw) = (history.adjusted().view().range(0..count), history.raw().view().range(0..count));
        let last = bars.date[count - 1];
        let until_last = |values: &DatedValues| {
            let pairs = values.dates().iter().copied().zip(values.values().iter().copied());
            DatedValues::from_pairs(pairs.filter(|(date, _)| *date <= last))
        };
        let then = Context {
            market: until_last(&context.market),
            rate: until_last(&context.rate),
            ..Context::new()
        };
        let (now, then) = (
            context.analyze(history.symbol(), Timeframe::Day, bars, raw),
            then.analyze(history.symbol(), Timeframe::Day, bars, raw),
        );
        assert_eq!(serde_json::to_string(&now).unwrap(), serde_json::to_string(&then).unwrap());
    }
}

#[test]
fn weeks_and_months_annualise_by_their_own_year_and_have_no_daily_models() {
    let context = Context::new();
    let history = history("MSFT");
    for (timeframe, expected) in [(Timeframe::Week, 52.0_f64), (Timeframe::Month, 12.0)] {
        let (bars, raw) =
            (history.adjusted().view().resampled(timeframe), history.raw().view().resampled(timeframe));
        let analysis = context.analyze(history.symbol(), timeframe, bars.view(), raw.view());
        assert_eq!(unexplained_nulls(&analysis), Vec::<String>::new());
        let returns = analysis::risk::simple_returns(bars.view().close);
        let by_hand = analysis::risk::deviation(&returns).unwrap() * expected.sqrt();
        let metrics = analysis.quantitative.metrics.unwrap();
        assert!((metrics.volatility.value().unwrap() - by_hand).abs() < 1e-12);
        let beta = metrics.beta.value().unwrap();
        assert!((0.5..1.5).contains(&beta), "MSFT's beta by {}: {beta}", timeframe.as_str());
        assert_eq!(analysis.overall_confidence, None, "only days were measured");
        assert_eq!(analysis.models.volatility.volatility.value(), None);
        assert_eq!(analysis.models.fall_risk.falls[0].probability.value(), None);
        // Forecasts are those of the daily bars.
        let daily = context.input(history.symbol(), history.adjusted().view(), history.raw().view());
        let input = AnalysisInput { timeframe, bars: bars.view(), ..daily };
        let forecasts = analyze(&input, &context.models).models;
        assert_eq!(forecasts, analyze(&daily, &context.models).models);
    }
}

#[test]
fn news_makes_the_sentiment_engine_available() {
    let mut context = Context::new();
    let item = |id: &str, tone| NewsItem {
        id: id.to_owned(),
        published_unix_s: 1_362_160_000,
        publisher: id.to_owned(),
        title: String::new(),
        tone: Some(tone),
    };
    context.news = Some(vec![item("a", Tone::Positive), item("b", Tone::Positive)]);
    let analysis = context.analyze_history(&history("AAPL"));
    // Two publishers, both good: 1 * (1 - 1/4).
    assert_eq!(analysis.sentiment.score, Some(0.75));
    assert!(analysis.confidence.differences.contains(&InputDifference::Engines));
    context.news = Some(Vec::new());
    assert_eq!(context.analyze_history(&history("AAPL")).sentiment.status, Status::Unavailable);
}

#[test]
fn a_flat_series_has_no_signal() {
    let (bars, _) = Bars::from_raw((0..300).map(|day| bar(day, [5.0; 4], 0.0)));
    let analysis = Context::new().analyze(&"FLAT".parse().unwrap(), Timeframe::Day, bars.view(), bars.view());
    assert_eq!(unexplained_nulls(&analysis), Vec::<String>::new());
    assert_eq!(
        (analysis.overall_signal, analysis.overall_score, analysis.overall_confidence),
        (None, None, None)
    );
    assert_eq!(analysis.missing.len(), 4);
    assert_eq!(analysis.recommendation, "No signal: no engine has enough data.");
}

#[test]
fn an_unexplained_null_is_detected() {
    let mut nulls = Vec::new();
    unexplained(&serde_json::json!({"a": {"weight": null}, "b": {"value": null}}), "", &mut nulls);
    assert_eq!(nulls.len(), 2);
}

/// A schema reference to a component that is not described would be a hole in the OpenAPI document.
#[test]
fn every_part_of_the_analysis_has_a_schema() {
    let mut schemas = vec![(Analysis::name().into_owned(), Analysis::schema())];
    Analysis::schemas(&mut schemas);
    let names: BTreeSet<&str> = schemas.iter().map(|(name, _)| name.as_str()).collect();
    let text = serde_json::to_string(&schemas).unwrap();
    let refs = text.split("\"#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next());
    let refs: BTreeSet<&str> = refs.collect();
    assert!(refs.len() > 20, "{refs:?}");
    assert_eq!(refs.difference(&names).collect::<Vec<_>>(), Vec::<&&str>::new());
    // The JSON has no field that the schema lacks.
    let described = serde_json::to_value(&schemas[0].1).unwrap();
    let json = serde_json::to_value(Context::new().analyze_history(&history("AAPL"))).unwrap();
    for name in json.as_object().unwrap().keys() {
        assert!(described["properties"].get(name).is_some(), "{name}");
    }
}

fn bar(day: usize, [open, high, low, close]: [f64; 4], volume: f64) -> RawBar {
    let date = Date::from_days(11_000 + i32::try_from(day).unwrap()).unwrap();
    RawBar { date, open, high, low, close, volume }
}

/// A bar whose four prices are independent, from 1e-12 to 1e300, or repeat.
fn any_bar() -> impl Strategy<Value = ([f64; 4], f64)> {
    let price = || {
        prop_oneof![
            (-12.0..300.0_f64).prop_map(|power| 10.0_f64.powf(power)),
            90.0..110.0_f64,
            Just(100.0),
            Just(1e-12),
            Just(1e300)
        ]
    };
    let volume = prop_oneof![Just(0.0), 0.0..1e12_f64, Just(domain::VOLUME_SHARES_MAX)];
    ([price(), price(), price(), price()], volume).prop_map(|([a, b, c, d], volume)| {
        let sorted = {
            let mut all = [a, b, c, d];
            all.sort_by(f64::total_cmp);
            all
        };
        ([b, sorted[3], sorted[0], c], volume)
    })
}

/// A walk in steps of one thousandth.
fn walk() -> impl Strategy<Value = Vec<([f64; 4], f64)>> {
    prop::collection::vec((-30..31_i32, 0..2_i32), 0..600).prop_map(|steps| {
        let mut close = 100.0_f64;
        let step = |(step, volume): (i32, i32)| {
            let open = close;
            close *= 1.0 + f64::from(step) / 1000.0;
            ([open, open.max(close), open.min(close), close], f64::from(volume) * 1e6)
        };
        steps.into_iter().map(step).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_number_is_finite_or_explained_for_any_bars(
        given in prop_oneof![prop::collection::vec(any_bar(), 0..600), walk()],
        timeframe in prop::sample::select(vec![Timeframe::Day, Timeframe::Week, Timeframe::Month]),
    ) {
        let (bars, refused) =
            Bars::from_raw(given.iter().enumerate().map(|(day, (prices, volume))| bar(day, *prices, *volume)));
        prop_assert_eq!(refused, []);
        let bars = bars.view().resampled(timeframe);
        let analysis = Context::new().analyze(&"ANY".parse().unwrap(), timeframe, bars.view(), bars.view());
        prop_assert_eq!(unexplained_nulls(&analysis), Vec::<String>::new());
        if let Some(score) = analysis.overall_score {
            prop_assert!((-1.0..=1.0).contains(&score));
        }
    }
}
