//! Logistic regression with a squared penalty on the weights, by Newton's method.

use super::FitError;
use super::least_squares::solve;
use super::rows::Row;

/// Weight of the likelihood against the penalty |w|² / 2: the `C` of scikit-learn's LogisticRegression.
const LIKELIHOOD_WEIGHT: f64 = 0.05;
/// Most Newton steps; five to eight are enough on real data.
const STEPS_MAX: usize = 50;
/// A step smaller than this in every coordinate ends the search.
const STEP_MIN: f64 = 1e-12;

/// Three standardised inputs, their scaler, weights and constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Logistic {
    pub(super) mean: [f64; 3],
    pub(super) scale: [f64; 3],
    pub(super) weights: [f64; 3],
    pub(super) intercept: f64,
    /// Share of outcomes that happened.
    pub(super) base_rate: f64,
}

impl Logistic {
    /// Fits scaler and weights to `rows`.
    pub(super) fn fit(rows: &[Row<3, bool>]) -> Result<Self, FitError> {
        if rows.is_empty() {
            return Err(FitError::TooFewRows);
        }
        let (mean, scale) = scaler(rows);
        let happened = rows.iter().filter(|row| row.outcome).count();
        let base_rate = happened as f64 / rows.len() as f64;
        let mut model = Self { mean, scale, weights: [0.0; 3], intercept: 0.0, base_rate };
        for _ in 0..STEPS_MAX {
            let step = model.newton_step(rows)?;
            model.intercept -= step[0];
            for (weight, step) in model.weights.iter_mut().zip(&step[1..]) {
                *weight -= step;
            }
            if step.iter().all(|step| step.abs() < STEP_MIN) {
                break;
            }
        }
        Ok(model)
    }

    /// Probability given raw inputs.
    pub(super) fn probability(&self, inputs: &[f64; 3]) -> f64 {
        let [_, scaled @ ..] = self.scaled(inputs);
        let log_odds = (0..3).fold(self.intercept, |sum, at| sum + self.weights[at] * scaled[at]);
        1.0 / (1.0 + (-log_odds).exp())
    }

    /// 1, then the inputs standardised.
    fn scaled(&self, inputs: &[f64; 3]) -> [f64; 4] {
        let at = |at: usize| (inputs[at] - self.mean[at]) / self.scale[at];
        [1.0, at(0), at(1), at(2)]
    }

    /// Inverse Hessian times gradient of the penalised negative log-likelihood.
    fn newton_step(&self, rows: &[Row<3, bool>]) -> Result<[f64; 4], FitError> {
        let (mut hessian, mut gradient) = ([[0.0; 4]; 4], [0.0; 4]);
        for row in rows {
            let scaled = self.scaled(&row.inputs);
            let chance = self.probability(&row.inputs);
            let error = LIKELIHOOD_WEIGHT * (chance - f64::from(u8::from(row.outcome)));
            let spread = LIKELIHOOD_WEIGHT * chance * (1.0 - chance);
            for i in 0..4 {
                gradient[i] += error * scaled[i];
                for j in 0..=i {
                    hessian[i][j] += spread * scaled[i] * scaled[j];
                }
            }
        }
        for (at, weight) in self.weights.iter().enumerate() {
            gradient[at + 1] += weight;
            hessian[at + 1][at + 1] += 1.0;
        }
        solve(hessian, gradient)
    }
}

/// Mean and deviation (ddof 0) of each input.
fn scaler(rows: &[Row<3, bool>]) -> ([f64; 3], [f64; 3]) {
    let n = rows.len() as f64;
    let mean = [0, 1, 2].map(|at| rows.iter().map(|row| row.inputs[at]).sum::<f64>() / n);
    let scale = [0, 1, 2].map(|at| {
        let squares: f64 = rows.iter().map(|row| (row.inputs[at] - mean[at]).powi(2)).sum();
        (squares / n).sqrt()
    });
    (mean, scale)
}
