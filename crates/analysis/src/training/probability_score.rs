//! Quality of predicted probabilities.

use super::rounded;
use crate::model_card::{CalibrationBin, ProbabilityScore};

/// Bins of calibration tables and errors.
pub(super) const BINS: usize = 10;

/// One prediction, the base rate known at its time, and whether the event happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Prediction {
    pub(super) chance: f64,
    pub(super) base_rate: f64,
    pub(super) happened: bool,
}

impl Prediction {
    fn outcome(&self) -> f64 {
        f64::from(u8::from(self.happened))
    }
}

/// Scores one or more predictions.
pub(super) fn score(year: Option<i16>, predictions: &[Prediction]) -> ProbabilityScore {
    let n = predictions.len() as f64;
    let mean = |value: &dyn Fn(&Prediction) -> f64| predictions.iter().map(value).sum::<f64>() / n;
    let brier = mean(&|one| (one.chance - one.outcome()).powi(2));
    let reference = mean(&|one| (one.base_rate - one.outcome()).powi(2));
    ProbabilityScore {
        year,
        samples: predictions.len(),
        predicted: rounded(mean(&|one| one.chance)),
        observed: rounded(mean(&Prediction::outcome)),
        auc: auc(predictions).map(rounded),
        brier: rounded(brier),
        brier_skill: rounded(1.0 - brier / reference),
        calibration_error: rounded(calibration_error(predictions)),
    }
}

/// Mean distance of the mean prediction from the observed share, weighted by the size of each bin.
fn calibration_error(predictions: &[Prediction]) -> f64 {
    let bins = calibration(predictions, BINS);
    let distance = |bin: &CalibrationBin| (bin.predicted - bin.observed).abs() * bin.samples as f64;
    bins.iter().map(distance).sum::<f64>() / predictions.len() as f64
}

/// Probability that a prediction with the event is above one without it; ties count half.
fn auc(predictions: &[Prediction]) -> Option<f64> {
    let mut sorted = predictions.to_vec();
    sorted.sort_by(|a, b| a.chance.total_cmp(&b.chance));
    let (mut ranks, mut before) = (0.0, 0.0);
    for tied in sorted.chunk_by(|a, b| a.chance.total_cmp(&b.chance).is_eq()) {
        let happened = tied.iter().filter(|one| one.happened).count() as f64;
        let size = tied.len() as f64;
        ranks += happened * (before + (size + 1.0) / 2.0);
        before += size;
    }
    let happened = sorted.iter().filter(|one| one.happened).count() as f64;
    let other = before - happened;
    (happened > 0.0 && other > 0.0).then(|| (ranks - happened * (happened + 1.0) / 2.0) / (happened * other))
}

/// Predictions in `bins` bins of equal count, the lowest first.
pub(super) fn calibration(predictions: &[Prediction], bins: usize) -> Vec<CalibrationBin> {
    let mut sorted = predictions.to_vec();
    sorted.sort_by(|a, b| a.chance.total_cmp(&b.chance).then(a.happened.cmp(&b.happened)));
    let size = sorted.len().div_ceil(bins).max(1);
    let bin = |bin: &[Prediction]| {
        let n = bin.len() as f64;
        CalibrationBin {
            from: rounded(bin[0].chance),
            to: rounded(bin[bin.len() - 1].chance),
            samples: bin.len(),
            predicted: rounded(bin.iter().map(|one| one.chance).sum::<f64>() / n),
            observed: rounded(bin.iter().map(Prediction::outcome).sum::<f64>() / n),
        }
    };
    sorted.chunks(size).map(bin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predictions(pairs: &[(f64, bool)]) -> Vec<Prediction> {
        pairs.iter().map(|&(chance, happened)| Prediction { chance, base_rate: 0.5, happened }).collect()
    }

    #[test]
    fn auc_counts_ties_half() {
        // scikit-learn: roc_auc_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]) = 0.75
        let ranked = predictions(&[(0.1, false), (0.4, false), (0.35, true), (0.8, true)]);
        assert_eq!(auc(&ranked), Some(0.75));
        assert_eq!(auc(&predictions(&[(0.3, true), (0.3, false)])), Some(0.5));
        assert_eq!(auc(&predictions(&[(0.3, true)])), None);
    }

    #[test]
    fn skill_is_measured_against_the_base_rate_of_the_day() {
        // Brier (0.01 + 0.01) / 2 = 0.01 against 0.25.
        let got = score(Some(2004), &predictions(&[(0.1, false), (0.9, true)]));
        assert!((got.brier - 0.01).abs() < 1e-12 && (got.brier_skill - 0.96).abs() < 1e-12);
        let none = score(None, &predictions(&[(0.5, false), (0.5, true)]));
        assert!(none.brier_skill.abs() < 1e-12);
    }

    #[test]
    fn bins_hold_equal_counts_in_order() {
        let bins = calibration(&predictions(&[(0.9, true), (0.1, false), (0.2, true), (0.8, true)]), 2);
        assert_eq!(bins.iter().map(|bin| bin.samples).collect::<Vec<_>>(), [2, 2]);
        assert_eq!((bins[0].from, bins[0].to, bins[0].observed), (0.1, 0.2, 0.5));
    }
}
