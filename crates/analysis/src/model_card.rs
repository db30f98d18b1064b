//! What is written down beside the coefficients of a model: from which data, how measured, how good.

use domain::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Origin and shape of a fitted model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelCard {
    /// Name and version, such as `fall-risk/1`.
    pub model: String,
    /// What is predicted, and what is not.
    pub target: String,
    /// How it was fitted.
    pub method: String,
    /// How it was measured: what a row of the measurements was predicted from.
    pub validation: String,
    /// SHA-256 of the bytes it was fitted to.
    pub data_sha256: String,
    /// Symbols in those data.
    pub symbols: Vec<String>,
    /// First date of a row it was fitted to.
    #[schema(value_type = String, format = Date)]
    pub first_date: Date,
    /// Last date of a row it was fitted to.
    #[schema(value_type = String, format = Date)]
    pub last_date: Date,
    /// Rows it was fitted to; they overlap.
    pub rows: usize,
    /// Bars that a label looks ahead.
    pub horizon_bars: usize,
    /// Bars left out between training and test rows.
    pub purge_bars: usize,
    /// Names of the inputs, in the order of the coefficients.
    pub features: Vec<String>,
    /// What a reader must know before believing it.
    pub limits: Vec<String>,
}

/// Out-of-sample quality of predicted probabilities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbabilityScore {
    /// Test year; null over all of them.
    pub year: Option<i16>,
    /// Predictions scored.
    pub samples: usize,
    /// Share of them in which it happened.
    pub observed: f64,
    /// Area under the ROC curve; null when it always or never happened.
    pub auc: Option<f64>,
    /// Mean squared error of the probability.
    pub brier: f64,
    /// 1 − Brier score / that of the base rate known before the year: above 0 is skill.
    pub brier_skill: f64,
}

/// One bin of predicted probability, and what happened in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CalibrationBin {
    /// Lowest prediction in it.
    pub from: f64,
    /// Highest prediction in it.
    pub to: f64,
    /// Predictions in it.
    pub samples: usize,
    /// Their mean.
    pub predicted: f64,
    /// Share in which it happened.
    pub observed: f64,
}
