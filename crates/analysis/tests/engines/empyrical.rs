//! Risk figures of the bundled sample compared with empyrical and pandas; `fixtures/empyrical/make.py` generates the numbers.

use analysis::quantitative::{Quantitative, quantitative};
use analysis::{AnalysisInput, Benchmark};
use domain::{Bars, Date, DatedValues, History, RawBar};
use serde_json::Value;

use crate::sample;

/// Largest allowed difference, relative to max(1, |expected|).
const TOLERANCE: f64 = 1e-10;

const FIGURES: [&str; 20] = [
    "total_return",
    "cagr",
    "volatility",
    "ewma_volatility",
    "sharpe_ratio",
    "sortino_ratio",
    "calmar_ratio",
    "omega_ratio",
    "tail_ratio",
    "max_drawdown",
    "ulcer_index",
    "var_95",
    "cvar_95",
    "var_95_normal",
    "skewness",
    "excess_kurtosis",
    "beta",
    "alpha_arith",
    "alpha_geo",
    "information_ratio",
];

fn fixture() -> Value {
    serde_json::from_str(include_str!("../fixtures/empyrical/risk.json")).unwrap()
}

fn figures(history: &History, rate: f64) -> Quantitative {
    let market = sample::market();
    let long_ago: Date = "1999-01-04".parse().unwrap();
    let rates = DatedValues::from_pairs([(long_ago, rate)]);
    let benchmark = Some(Benchmark { name: "SPY", returns: &market });
    let daily = AnalysisInput::daily(history.symbol(), history.adjusted().view(), history.raw().view());
    quantitative(&AnalysisInput { benchmark, risk_free: Some(&rates), ..daily }).metrics.unwrap()
}

/// Names of the figures in `got` that differ from `expected` by more than the tolerance.
fn differences(got: &Value, expected: &Value) -> Vec<String> {
    let far = |name: &&str| {
        let (got, expected) = (got[name]["value"].as_f64().unwrap(), expected[name].as_f64().unwrap());
        (got - expected).abs() / expected.abs().max(1.0) > TOLERANCE
    };
    FIGURES.iter().filter(|name| far(name)).map(|name| format!("{name} of {}", expected["symbol"])).collect()
}

#[test]
fn every_figure_is_that_of_empyrical_or_pandas() {
    let histories = sample::histories();
    let fixture = fixture();
    let cases = fixture["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 10);
    for case in cases {
        let history = histories.iter().find(|history| history.symbol().as_str() == case["symbol"]).unwrap();
        let got = serde_json::to_value(figures(history, case["risk_free"].as_f64().unwrap())).unwrap();
        assert_eq!(differences(&got, case), Vec::<String>::new());
        assert_eq!(got["drawdown"], case["drawdown"]);
        assert_eq!(got["beta"]["bars_used"], case["common"]);
    }
}

/// Random series, and series with many equal returns; `fixtures/empyrical/make.py tails` generates them.
#[test]
fn tails_are_those_of_empyrical_also_when_returns_are_equal() {
    let fixture: Value = serde_json::from_str(include_str!("../fixtures/empyrical/tails.json")).unwrap();
    let cases = fixture["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 54);
    let mut distinguished = 0;
    for case in cases {
        let closes: Vec<f64> = serde_json::from_value(case["closes"].clone()).unwrap();
        let bar = |(day, close): (usize, &f64)| RawBar {
            date: Date::from_days(15_000 + i32::try_from(day).unwrap()).unwrap(),
            open: *close,
            high: *close,
            low: *close,
            close: *close,
            volume: 1.0,
        };
        let (bars, refused) = Bars::from_raw(closes.iter().enumerate().map(bar));
        assert_eq!(refused, []);
        let symbol = "TAIL".parse().unwrap();
        let metrics = quantitative(&AnalysisInput::daily(&symbol, bars.view(), bars.view())).metrics.unwrap();
        for (figure, name) in [(metrics.var_95, "var_95"), (metrics.cvar_95, "cvar_95")] {
            let expected = case[name].as_f64().unwrap();
            let got = figure.value().unwrap();
            assert!((got - expected).abs() <= TOLERANCE, "{name} {got} of {case}");
        }
        // The mean of all returns at or below the quantile is another figure.
        let returns = analysis::risk::simple_returns(&closes);
        let below: Vec<f64> =
            returns.into_iter().filter(|value| *value <= metrics.var_95.value().unwrap()).collect();
        let mean = below.iter().sum::<f64>() / below.len() as f64;
        distinguished += usize::from((mean - case["cvar_95"].as_f64().unwrap()).abs() > 1e-6);
    }
    assert!(distinguished > 5, "{distinguished}");
}

#[test]
fn figures_of_another_company_are_detected() {
    let histories = sample::histories();
    let fixture = fixture();
    let of_aapl = fixture["cases"].as_array().unwrap().iter().find(|case| case["symbol"] == "AAPL").unwrap();
    let ibm = histories.iter().find(|history| history.symbol().as_str() == "IBM").unwrap();
    let got = serde_json::to_value(figures(ibm, 0.0)).unwrap();
    assert_eq!(differences(&got, of_aapl).len(), FIGURES.len());
}

/// AAPL 2000-03-01 to 2013-03-01, no risk-free rate, to ten decimals.
#[test]
fn the_published_figures_agree_to_ten_decimals() {
    let histories = sample::histories();
    let aapl = histories.iter().find(|history| history.symbol().as_str() == "AAPL").unwrap();
    let got = figures(aapl, 0.0);
    for (figure, expected) in [
        (got.total_return, "12.4086158179"),
        (got.cagr, "0.2215395760"),
        (got.volatility, "0.4596427686"),
        (got.sharpe_ratio, "0.6784016715"),
        (got.sortino_ratio, "0.9549721709"),
        (got.max_drawdown, "-0.8180178931"),
        (got.var_95, "-0.0415902501"),
        (got.cvar_95, "-0.0624017950"),
        (got.skewness, "-1.7204176207"),
        (got.excess_kurtosis, "34.1961845078"),
        (got.beta, "1.0928119713"),
        (got.alpha_arith, "0.2759700890"),
        (got.alpha_geo, "0.3176094726"),
        (got.ewma_volatility, "0.3652310933"),
    ] {
        assert_eq!(format!("{:.10}", figure.value().unwrap()), expected);
    }
    assert_eq!(got.total_return.span().bars_used, 3270);
}
