//! Probability of a fall within the next month: a logistic model of three volatility features.
//!
//! This model predicts risk, with measured skill. It does not predict direction: a fall of 5 % on the way is compatible with
//! a higher price at the end.
//!
//! The features are logarithms: the odds of a fall grow with a power of volatility, and vanish with it. Linear in volatility, the
//! model had a floor, and said more than came for quiet equities.

use domain::BarsView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model_card::{CalibrationBin, ModelCard, ProbabilityScore};
use crate::{Absence, AnalysisInput, Figure, risk};

/// Bars ahead in which a fall counts.
pub(crate) const HORIZON_BARS: usize = 21;
/// Bars that the features need: 63 returns.
const BARS_MIN: usize = LONG_RETURNS + 1;

/// Inputs of the model, in the order of its weights.
pub(crate) const FEATURES: [&str; 3] = [
    "ln std of the last 21 log returns (ddof 1)",
    "ln std of the last 63 log returns (ddof 1)",
    "ln mean of (high - low) / close over the last 14 bars",
];

const SHORT_RETURNS: usize = 21;
const LONG_RETURNS: usize = 63;
const RANGE_BARS: usize = 14;

/// The fitted model, one logistic regression for each depth of fall.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FallRiskModel {
    /// Data, method and limits.
    pub card: ModelCard,
    /// One regression for each depth.
    pub falls: Vec<FallModel>,
}

/// The logistic regression of one depth of fall.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FallModel {
    /// Depth as a log return: a fall has ln(lowest close ahead / close) at or below its negative.
    pub fall: f64,
    /// Share of the training rows with such a fall.
    pub base_rate: f64,
    /// Means of the features over the training rows.
    pub mean: [f64; 3],
    /// Deviations of the features over the training rows (ddof 0).
    pub scale: [f64; 3],
    /// Smallest value of each feature in the training rows.
    pub lowest: [f64; 3],
    /// Largest value of each feature in the training rows.
    pub highest: [f64; 3],
    /// Weights of the standardised features.
    pub weights: [f64; 3],
    /// Log-odds at the mean.
    pub intercept: f64,
    /// Quality over all test years.
    pub walk_forward: ProbabilityScore,
    /// Quality for each test year.
    pub walk_forward_by_year: Vec<ProbabilityScore>,
    /// Predictions of all test years in ten bins of equal count.
    pub calibration: Vec<CalibrationBin>,
    /// Quality over all test years for companies that the model has not seen: each is predicted from the others.
    pub unseen_companies: ProbabilityScore,
}

/// Probabilities of a fall.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FallRisk {
    /// Name and version of the model.
    pub model: String,
    /// Trading days ahead.
    pub horizon_bars: usize,
    /// One probability for each depth, the smaller depth first.
    pub falls: Vec<FallProbability>,
}

/// Probability of a fall of one depth, with the quality of such predictions.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FallProbability {
    /// Depth as a log return: 0.05 is about 5 %.
    pub fall: f64,
    /// Probability that the lowest close ahead is at least this far below the last one.
    pub probability: Figure,
    /// Share of the training rows with such a fall.
    pub base_rate: f64,
    /// Whether an input is outside the range that the model was fitted to.
    pub is_extrapolated: bool,
    /// Out-of-sample quality of all predictions.
    pub walk_forward: ProbabilityScore,
    /// How often the fall came after out-of-sample predictions like this one; null without a probability.
    pub calibration: Option<CalibrationBin>,
}

/// The three inputs as of the newest bar.
///
/// # Errors
/// [`Absence::InsufficientHistory`] below [`BARS_MIN`] bars, [`Absence::Flat`] when the closes do not move.
pub(crate) fn features(bars: BarsView<'_>) -> Result<[f64; 3], Absence> {
    let have = bars.len();
    if have < BARS_MIN {
        return Err(Absence::InsufficientHistory { need: BARS_MIN, have });
    }
    let returns = risk::log_returns(&bars.close[have - BARS_MIN..]);
    let short = risk::deviation(&returns[LONG_RETURNS - SHORT_RETURNS..])?;
    let long = risk::deviation(&returns)?;
    let newest = have - RANGE_BARS..have;
    let range: f64 = newest.map(|at| (bars.high[at] - bars.low[at]) / bars.close[at]).sum();
    let range = range / RANGE_BARS as f64;
    if range <= risk::DISPERSION_MIN {
        return Err(Absence::Flat);
    }
    let features = [short, long, range].map(f64::ln);
    if features.iter().all(|value| value.is_finite()) { Ok(features) } else { Err(Absence::OutOfRange) }
}

impl FallModel {
    /// Probability of the fall, given the inputs of [`features`].
    fn probability(&self, features: &[f64; 3]) -> f64 {
        let log_odds = (0..features.len()).fold(self.intercept, |sum, at| {
            sum + self.weights[at] * (features[at] - self.mean[at]) / self.scale[at]
        });
        1.0 / (1.0 + (-log_odds).exp())
    }

    /// The measured predictions that `probability` belongs to; the lowest or highest ones if it lies outside.
    fn calibration(&self, probability: f64) -> Option<&CalibrationBin> {
        self.calibration.iter().find(|bin| probability <= bin.to).or(self.calibration.last())
    }

    fn is_beyond(&self, features: &[f64; 3]) -> bool {
        (0..features.len()).any(|at| features[at] < self.lowest[at] || features[at] > self.highest[at])
    }
}

impl FallRiskModel {
    /// Probabilities as of the newest daily bar, whatever the timeframe: the horizon is in trading days.
    #[must_use]
    pub fn estimate(&self, input: &AnalysisInput<'_>) -> FallRisk {
        let inputs = input.daily.ok_or(Absence::Missing { what: "daily bars" }).and_then(features);
        let span = input.newest_daily(BARS_MIN);
        let probability = |model: &FallModel| {
            let probability = inputs.map(|inputs| model.probability(&inputs));
            FallProbability {
                fall: model.fall,
                probability: Figure::new(
                    "logistic regression on the logarithms of 21- and 63-bar std of log returns and of the 14-bar mean of \
                     (high - low) / close",
                    span,
                    probability,
                ),
                base_rate: model.base_rate,
                is_extrapolated: inputs.is_ok_and(|inputs| model.is_beyond(&inputs)),
                walk_forward: model.walk_forward.clone(),
                calibration: probability.ok().and_then(|probability| model.calibration(probability)).cloned(),
            }
        };
        FallRisk {
            model: self.card.model.clone(),
            horizon_bars: self.card.horizon_bars,
            falls: self.falls.iter().map(probability).collect(),
        }
    }
}
