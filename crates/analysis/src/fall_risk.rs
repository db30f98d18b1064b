//! How likely a fall is within the next month: a logistic model of three volatility features.
//!
//! This is a model of risk, measured to have skill. It says nothing about direction: a fall of 5 % on the way is
//! compatible with a higher price at the end.

use domain::{BarsView, Timeframe};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model_card::{CalibrationBin, ModelCard, ProbabilityScore};
use crate::{Absence, Figure, Span, Subject, risk};

/// Bars ahead in which the fall may come.
pub const HORIZON_BARS: usize = 21;
/// Bars that the features need: 63 returns.
pub const BARS_MIN: usize = LONG_RETURNS + 1;

/// Inputs of the model, in the order of its weights.
pub const FEATURES: [&str; 3] = [
    "std of the last 21 log returns (ddof 1)",
    "std of the last 63 log returns (ddof 1)",
    "mean of (high - low) / close over the last 14 bars",
];

const SHORT_RETURNS: usize = 21;
const LONG_RETURNS: usize = 63;
const RANGE_BARS: usize = 14;

/// The fitted model, one logistic regression for each depth of fall.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FallRiskModel {
    /// Origin.
    pub card: ModelCard,
    /// One for each depth.
    pub falls: Vec<FallModel>,
}

/// The logistic regression of one depth of fall.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FallModel {
    /// Depth: ln(lowest close ahead / close) at or below its negative.
    pub fall: f64,
    /// Share of the training rows that fell so deep.
    pub base_rate: f64,
    /// Means of the features over the training rows.
    pub mean: [f64; 3],
    /// Their deviations (ddof 0).
    pub scale: [f64; 3],
    /// Smallest value of each feature in the training rows.
    pub lowest: [f64; 3],
    /// Largest.
    pub highest: [f64; 3],
    /// Weights of the standardised features.
    pub weights: [f64; 3],
    /// Log-odds at the mean.
    pub intercept: f64,
    /// Quality over all test years.
    pub walk_forward: ProbabilityScore,
    /// Quality by test year.
    pub walk_forward_by_year: Vec<ProbabilityScore>,
    /// Predictions of all test years in ten bins of equal count.
    pub calibration: Vec<CalibrationBin>,
}

/// Chances of a fall within [`HORIZON_BARS`].
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FallRisk {
    /// Which model.
    pub model: String,
    /// Trading days ahead.
    pub horizon_bars: usize,
    /// One for each depth, the lesser first.
    pub falls: Vec<FallChance>,
}

/// Chance of one depth of fall, with what is known of such predictions.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FallChance {
    /// Depth as a log return: 0.05 is about 5 %.
    pub fall: f64,
    /// Chance that the lowest close ahead is so far below the last one.
    pub probability: Figure,
    /// How often it happened in the training rows.
    pub base_rate: f64,
    /// Whether an input lies outside what the model was fitted to.
    pub is_extrapolated: bool,
    /// How good such predictions were, out of sample.
    pub walk_forward: ProbabilityScore,
}

/// The three inputs as of the newest bar of `bars`.
///
/// # Errors
/// [`Absence::InsufficientHistory`] below [`BARS_MIN`] bars, [`Absence::Flat`] when the closes do not move.
pub fn features(bars: BarsView<'_>) -> Result<[f64; 3], Absence> {
    let have = bars.len();
    if have < BARS_MIN {
        return Err(Absence::InsufficientHistory { need: BARS_MIN, have });
    }
    let returns = risk::log_returns(&bars.close[have - BARS_MIN..]);
    let short = risk::deviation(&returns[LONG_RETURNS - SHORT_RETURNS..])?;
    let long = risk::deviation(&returns)?;
    let newest = have - RANGE_BARS..have;
    let range: f64 = newest.map(|at| (bars.high[at] - bars.low[at]) / bars.close[at]).sum();
    let found = [short, long, range / RANGE_BARS as f64];
    if found.iter().all(|value| value.is_finite()) { Ok(found) } else { Err(Absence::OutOfRange) }
}

impl FallModel {
    /// Chance of the fall, given the inputs of [`features`].
    #[must_use]
    pub fn probability(&self, features: &[f64; 3]) -> f64 {
        let log_odds = (0..features.len()).fold(self.intercept, |sum, at| {
            sum + self.weights[at] * (features[at] - self.mean[at]) / self.scale[at]
        });
        1.0 / (1.0 + (-log_odds).exp())
    }

    fn is_beyond(&self, features: &[f64; 3]) -> bool {
        (0..features.len()).any(|at| features[at] < self.lowest[at] || features[at] > self.highest[at])
    }
}

impl FallRiskModel {
    /// Chances as of the newest bar. Only for daily bars: the horizon is counted in trading days.
    #[must_use]
    pub fn estimate(&self, subject: &Subject<'_>) -> FallRisk {
        let inputs = match subject.timeframe {
            Timeframe::Day => features(subject.bars),
            Timeframe::Week | Timeframe::Month => Err(Absence::Missing { what: "daily bars" }),
        };
        let span = Span::newest(subject.bars, BARS_MIN, subject.price_basis);
        let chance = |model: &FallModel| FallChance {
            fall: model.fall,
            probability: Figure::new(
                "logistic regression on 21- and 63-bar std of log returns and the 14-bar mean of (high - low) / close",
                span,
                inputs.map(|inputs| model.probability(&inputs)),
            ),
            base_rate: model.base_rate,
            is_extrapolated: inputs.is_ok_and(|inputs| model.is_beyond(&inputs)),
            walk_forward: model.walk_forward.clone(),
        };
        FallRisk {
            model: self.card.model.clone(),
            horizon_bars: self.card.horizon_bars,
            falls: self.falls.iter().map(chance).collect(),
        }
    }
}
