//! The model files equal the result of fitting to the bundled sample, byte for byte.

use std::path::Path;

use analysis::Models;

use crate::fitting;

#[test]
fn fitting_again_gives_the_same_bytes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    for (name, fitted) in fitting::files().unwrap() {
        let committed = std::fs::read_to_string(folder.join(name)).unwrap();
        assert!(fitted == committed, "{name}: run `cargo run -p analysis --example fit_models`");
    }
}

/// `fixtures/models/check.py` repeats the measurement independently with numpy.
#[test]
fn the_independent_measurement_agrees() {
    let models = Models::bundled().unwrap();
    for (model, fall, auc, skill) in [
        (&models.fall_risk.falls[0], 0.05, 0.592710, 0.086995),
        (&models.fall_risk.falls[1], 0.10, 0.641419, 0.115113),
    ] {
        assert_eq!((model.fall, model.walk_forward.samples), (fall, 9_031));
        assert!((model.walk_forward.auc.unwrap() - auc).abs() < 1e-6, "{:?}", model.walk_forward);
        assert!((model.walk_forward.brier_skill - skill).abs() < 1e-6, "{:?}", model.walk_forward);
    }
    let score = &models.volatility.walk_forward;
    assert_eq!(score.samples, 8_856);
    for (got, expected) in [
        (score.qlike, 0.247753),
        (score.qlike_ewma, 0.319483),
        (score.qlike_trailing, 0.408554),
        (score.qlike_constant, 0.659082),
    ] {
        assert!((got - expected).abs() < 1e-6, "{score:?}");
    }
}

#[test]
fn every_model_beats_its_baseline() {
    let models = Models::bundled().unwrap();
    assert!(models.fall_risk.falls.iter().all(|model| model.walk_forward.brier_skill > 0.0));
    let score = &models.volatility.walk_forward;
    assert!(score.qlike < score.qlike_ewma.min(score.qlike_trailing).min(score.qlike_constant));
}

#[test]
fn the_documentation_of_the_models_has_their_numbers() {
    let models = Models::bundled().unwrap();
    let page = include_str!("../../models/README.md");
    let [five, ten] = [0, 1].map(|at| &models.fall_risk.falls[at].walk_forward);
    let volatility = &models.volatility.walk_forward;
    for sentence in [
        format!("Brier skill {:.1} % and {:.1} %", 100.0 * five.brier_skill, 100.0 * ten.brier_skill),
        format!("AUC {:.3} and {:.3}", five.auc.unwrap(), ten.auc.unwrap()),
        format!("QLIKE {:.3}", volatility.qlike),
        format!("exponential mean {:.3}, constant {:.3}", volatility.qlike_ewma, volatility.qlike_constant),
        format!("covered {:.1} %", 100.0 * volatility.coverage_80),
        format!("Brier skill {:.1} %: bands", 100.0 * models.confidence.walk_forward.brier_skill),
    ] {
        assert!(page.contains(&sentence), "{sentence}");
    }
}
