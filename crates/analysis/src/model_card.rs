//! Documentation of a fitted model: its data, its method, and its measured quality.

use domain::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Data, method and limits of a fitted model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelCard {
    /// Name and version, such as `fall-risk/1`.
    pub model: String,
    /// What the model predicts, and what it does not.
    pub target: String,
    /// How it was fitted.
    pub method: String,
    /// How it was measured: the data that each measured row was predicted from.
    pub validation: String,
    /// SHA-256 of the training data.
    pub data_sha256: String,
    /// Symbols in the training data.
    pub symbols: Vec<String>,
    /// First date of the training rows.
    #[schema(value_type = String, format = Date)]
    pub first_date: Date,
    /// Last date of the training rows.
    #[schema(value_type = String, format = Date)]
    pub last_date: Date,
    /// Number of training rows; they overlap.
    pub rows: usize,
    /// Bars that a label looks ahead.
    pub horizon_bars: usize,
    /// Bars left out between training and test rows.
    pub purge_bars: usize,
    /// Names of the inputs, in the order of the coefficients.
    pub features: Vec<String>,
    /// Limits of the model.
    pub limits: Vec<String>,
}

/// Out-of-sample quality of predicted probabilities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbabilityScore {
    /// Test year; null over all of them.
    pub year: Option<i16>,
    /// Number of scored predictions.
    pub samples: usize,
    /// Mean prediction.
    pub predicted: f64,
    /// Share in which the event happened.
    pub observed: f64,
    /// Area under the ROC curve; null when the event always or never happened.
    pub auc: Option<f64>,
    /// Mean squared error of the probability.
    pub brier: f64,
    /// 1 − Brier score / Brier score of the base rate known before the year: above 0 is skill.
    pub brier_skill: f64,
    /// Mean distance of the mean prediction from the observed share in ten bins of equal count.
    pub calibration_error: f64,
}

/// Observed frequency in one bin of predicted probabilities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CalibrationBin {
    /// Lowest prediction in the bin.
    pub from: f64,
    /// Highest prediction in the bin.
    pub to: f64,
    /// Number of predictions in the bin.
    pub samples: usize,
    /// Mean prediction.
    pub predicted: f64,
    /// Share in which the event happened.
    pub observed: f64,
}
