//! Confidence from synthetic measurements.

use super::*;
use crate::overall::{EngineName, EngineScore};

fn model() -> ConfidenceModel {
    let score = ProbabilityScore {
        year: None,
        samples: 1000,
        predicted: 0.55,
        observed: 0.55,
        auc: None,
        brier: 0.25,
        brier_skill: -0.01,
        calibration_error: 0.0,
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
        inputs: SignalInputs {
            timeframe: domain::Timeframe::Day,
            price_basis: domain::PriceBasis::SplitDividend,
            window_days: 365,
            engines: vec![EngineName::Technical, EngineName::Quantitative],
            votes: 26,
            drivers: Vec::new(),
            has_risk_free_rate: true,
        },
        step_bars: 21,
        bands: vec![
            BandRate::measured(Signal::WeakSell, 160, 400, 21, 0.45),
            BandRate::measured(Signal::WeakBuy, 240, 400, 21, 0.55),
            BandRate::measured(Signal::Buy, 6, 10, 21, 0.55),
        ],
        skill: SignalSkill { samples: 0, effective_samples: 0.0, correlation: 0.0, standard_error: 0.0 },
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

fn both(score: f64) -> Overall {
    overall(&[(EngineName::Technical, score), (EngineName::Quantitative, score)])
}

/// Confidence in a signal from the measured inputs.
fn confidence(overall: &Overall) -> Confidence {
    model().confidence(overall, Vec::new())
}

#[test]
fn confidence_is_the_measured_rate_and_not_the_score() {
    assert_eq!(confidence(&both(0.11)).value, confidence(&both(0.49)).value);
    let result = confidence(&both(0.11));
    // (240 + 0.55 * 20) / 420, less sqrt(p (1 - p) / (400 + 20)).
    let rate: f64 = 251.0 / 420.0;
    let expected = rate - (rate * (1.0 - rate) / 420.0).sqrt();
    assert!((result.value.unwrap() - expected).abs() < 1e-12);
    assert_eq!(result.reliability, Reliability::Measured);
}

#[test]
fn a_missing_measured_engine_lowers_confidence() {
    let one = overall(&[(EngineName::Technical, 0.3)]);
    assert!(confidence(&one).value < confidence(&both(0.3)).value);
}

#[test]
fn an_engine_that_was_not_measured_never_raises_confidence() {
    for own in [-0.3, 0.3, 0.6] {
        for other in [-1.0, -0.5, 0.0, 0.3, 0.6, 1.0] {
            let scores = [
                (EngineName::Technical, own),
                (EngineName::Quantitative, own),
                (EngineName::Fundamental, other),
                (EngineName::Sentiment, other),
            ];
            let alone = confidence(&both(own)).value.unwrap();
            for count in 3..=4 {
                let with = confidence(&overall(&scores[..count]));
                assert!(with.value.is_none_or(|value| value <= alone), "{own} with {other}: {with:?}");
            }
        }
    }
    // A sale that others turn into a purchase has the rate of the sale.
    let turned = confidence(&overall(&[
        (EngineName::Technical, -0.3),
        (EngineName::Quantitative, -0.3),
        (EngineName::Fundamental, 1.0),
    ]));
    assert_eq!(turned.band.map(|band| band.signal), Some(Signal::WeakSell));
}

#[test]
fn other_inputs_and_few_samples_give_low_reliability() {
    for difference in [InputDifference::Engines, InputDifference::Window, InputDifference::Votes] {
        let other = model().confidence(&both(0.3), vec![difference]);
        assert_eq!(other.reliability, Reliability::Low, "{difference}");
    }
    assert_eq!(confidence(&both(0.6)).reliability, Reliability::Low);
}

#[test]
fn unmeasured_signals_have_no_confidence() {
    let none = confidence(&overall(&[]));
    assert_eq!(none.reason, Some(Absence::Missing { what: "available engine" }));
    let weeks = model().confidence(&both(0.3), vec![InputDifference::Timeframe]);
    assert_eq!(weeks.reason, Some(Absence::Missing { what: "measurement on bars of this timeframe" }));
    let fundamental = confidence(&overall(&[(EngineName::Fundamental, 0.3)]));
    assert_eq!(fundamental.reason, Some(Absence::Missing { what: "measurement with these engines" }));
    let unmeasured = confidence(&both(-1.0));
    assert_eq!(unmeasured.reason, Some(Absence::Missing { what: "measurement of this band" }));
}

#[test]
fn correlation_is_pearsons() {
    // numpy 2.4.6: corrcoef([1, 2, 3, 4], [2, 1, 4, 3])[0, 1] = 0.6; 4 samples every 21 bars are independent.
    let pairs = [(1.0, 2.0), (2.0, 1.0), (3.0, 4.0), (4.0, 3.0)];
    let skill = SignalSkill::measured(&pairs, 21);
    assert!((skill.correlation - 0.6).abs() < 1e-12 && skill.samples == 4);
    assert!((skill.standard_error - 0.64 / 2.0_f64.sqrt()).abs() < 1e-12);
    assert!((SignalSkill::measured(&pairs, 7).effective_samples - 4.0 / 3.0).abs() < 1e-12);
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
