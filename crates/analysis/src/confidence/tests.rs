//! Confidence from synthetic measurements.

use super::*;
use crate::overall::EngineScore;

fn model() -> ConfidenceModel {
    let score = ProbabilityScore {
        year: None,
        samples: 1000,
        observed: 0.55,
        auc: None,
        brier: 0.25,
        brier_skill: -0.01,
    };
    let day: domain::Date = "2013-01-02".parse().unwrap();
    ConfidenceModel {
        card: ModelCard {
            model: "confidence/0".to_owned(),
            target: String::new(),
            method: String::new(),
            validation: String::new(),
            data_sha256: String::new(),
            symbols: Vec::new(),
            first_date: day,
            last_date: day,
            rows: 1000,
            horizon_bars: HORIZON_BARS,
            purge_bars: 26,
            features: Vec::new(),
            limits: Vec::new(),
        },
        engines: vec![EngineName::Technical, EngineName::Quantitative],
        step_bars: 21,
        bands: vec![
            BandRate::measured(Signal::WeakBuy, 240, 400, 21, 0.55),
            BandRate::measured(Signal::Buy, 6, 10, 21, 0.55),
        ],
        walk_forward: score,
        walk_forward_by_year: Vec::new(),
    }
}

fn overall(scores: &[(EngineName, f64)]) -> Overall {
    let all =
        [EngineName::Technical, EngineName::Fundamental, EngineName::Quantitative, EngineName::Sentiment];
    let one = |engine: EngineName| EngineScore {
        engine,
        score: scores
            .iter()
            .find(|(name, _)| *name == engine)
            .map(|(_, score)| *score)
            .ok_or(Absence::Missing { what: "engine" }),
    };
    Overall::from_scores(&all.map(one))
}

#[test]
fn confidence_is_the_measured_rate_and_not_the_score() {
    let (low, high) = (0.11, 0.49);
    let confidence = |score| {
        let overall = overall(&[(EngineName::Technical, score), (EngineName::Quantitative, score)]);
        model().confidence(&overall, Timeframe::Day)
    };
    assert_eq!(confidence(low).value, confidence(high).value);
    let result = confidence(low);
    // (240 + 0.55 * 20) / 420, less sqrt(p (1 - p) / (400 * 0.35 + 20)).
    let rate: f64 = 251.0 / 420.0;
    let expected = rate - (rate * (1.0 - rate) / 160.0).sqrt();
    assert!((result.value.unwrap() - expected).abs() < 1e-12);
    assert_eq!((result.reliability, result.is_same_engines), (Reliability::Measured, true));
}

#[test]
fn a_missing_engine_always_lowers_confidence() {
    let all = [
        (EngineName::Technical, 0.3),
        (EngineName::Quantitative, 0.3),
        (EngineName::Fundamental, 0.3),
        (EngineName::Sentiment, 0.3),
    ];
    let values: Vec<f64> = (2..=4)
        .map(|count| model().confidence(&overall(&all[..count]), Timeframe::Day).value.unwrap())
        .collect();
    assert!(values.windows(2).all(|pair| pair[0] < pair[1]), "{values:?}");
}

#[test]
fn unmeasured_engines_and_few_samples_give_low_reliability() {
    let other = overall(&[
        (EngineName::Technical, 0.3),
        (EngineName::Quantitative, 0.3),
        (EngineName::Fundamental, 0.3),
    ]);
    let result = model().confidence(&other, Timeframe::Day);
    assert_eq!((result.reliability, result.is_same_engines), (Reliability::Low, false));
    let few = overall(&[(EngineName::Technical, 0.6), (EngineName::Quantitative, 0.6)]);
    assert_eq!(model().confidence(&few, Timeframe::Day).reliability, Reliability::Low);
}

#[test]
fn unmeasured_signals_have_no_confidence() {
    let none = model().confidence(&overall(&[]), Timeframe::Day);
    assert_eq!(none.reason, Some(Absence::Missing { what: "available engine" }));
    let both = overall(&[(EngineName::Technical, 0.3), (EngineName::Quantitative, 0.3)]);
    let weeks = model().confidence(&both, Timeframe::Week);
    assert_eq!(weeks.reason, Some(Absence::Missing { what: "measurement on bars of this timeframe" }));
    let fundamental = model().confidence(&overall(&[(EngineName::Fundamental, 0.3)]), Timeframe::Day);
    assert_eq!(fundamental.value, None);
    let unmeasured = overall(&[(EngineName::Technical, -1.0), (EngineName::Quantitative, -1.0)]);
    assert_eq!(
        model().confidence(&unmeasured, Timeframe::Day).reason,
        Some(Absence::Missing { what: "measurement of this band" })
    );
}

#[test]
fn a_signal_is_right_by_its_own_definition() {
    for (signal, change, right) in [
        (Signal::WeakBuy, 0.001, true),
        (Signal::StrongBuy, 0.0, false),
        (Signal::Sell, -0.001, true),
        (Signal::Neutral, 0.05, true),
        (Signal::Neutral, -0.051, false),
    ] {
        assert_eq!(signal.is_right_about(change), right, "{signal:?} {change}");
    }
}
