//! Forecast of volatility over the next month: a heterogeneous autoregression (HAR) with a range term.
//!
//! Corsi, "A simple approximate long-memory model of realized volatility", 2009, on daily squared returns, with the
//! range estimator of Garman and Klass, 1980, added. Least squares on logarithms; half the residual variance turns the
//! forecast of the logarithm into one of the mean.

use domain::{BarsView, Timeframe};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model_card::ModelCard;
use crate::{Absence, AnalysisInput, Figure, risk};

/// Bars ahead whose mean variance is forecast.
pub(crate) const HORIZON_BARS: usize = 21;
/// Bars that the inputs need: 126 returns.
pub(crate) const BARS_MIN: usize = WINDOWS[WINDOWS.len() - 1] + 1;

/// Inputs of the model after the constant, in the order of its coefficients.
pub(crate) const FEATURES: [&str; 5] = [
    "ln mean squared log return, 2 bars",
    "ln mean squared log return, 5 bars",
    "ln mean squared log return, 21 bars",
    "ln mean squared log return, 126 bars",
    "ln mean Garman-Klass variance, 21 bars",
];

const WINDOWS: [usize; 4] = [2, 5, 21, 126];
const RANGE_BARS: usize = 21;
/// Weight of the open-to-close term of Garman and Klass: 2 ln 2 − 1.
const OPEN_CLOSE: f64 = 2.0 * std::f64::consts::LN_2 - 1.0;

/// The fitted model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VolatilityModel {
    /// Data, method and limits.
    pub card: ModelCard,
    /// The constant, then one coefficient for each feature.
    pub coefficients: [f64; 6],
    /// Variance of the residuals of ln variance (degrees of freedom counted).
    pub residual_variance: f64,
    /// 10 % and 90 % quantiles of the residuals: the forecast's interval of 80 %.
    pub residual_quantiles: [f64; 2],
    /// Quality over all test years.
    pub walk_forward: VolatilityScore,
    /// Quality for each test year.
    pub walk_forward_by_year: Vec<VolatilityScore>,
}

/// Out-of-sample quality of variance forecasts: mean QLIKE, v/h − ln(v/h) − 1, where lower is better.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VolatilityScore {
    /// Test year; null over all of them.
    pub year: Option<i16>,
    /// Forecasts scored.
    pub samples: usize,
    /// QLIKE of this model.
    pub qlike: f64,
    /// QLIKE of the exponentially weighted variance, λ 0.94.
    pub qlike_ewma: f64,
    /// QLIKE of the variance of the trailing 21 bars.
    pub qlike_trailing: f64,
    /// QLIKE of the mean variance of the training rows.
    pub qlike_constant: f64,
    /// Explained share of the variance of ln variance.
    pub r_squared: f64,
    /// Share of outcomes inside the 80 % interval.
    pub coverage_80: f64,
}

/// Forecast of annualised volatility.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct VolatilityForecast {
    /// Name and version of the model.
    pub model: String,
    /// Trading days ahead.
    pub horizon_bars: usize,
    /// Square root of the expected mean variance, annualised.
    pub volatility: Figure,
    /// Lower end of the interval in which 80 % of outcomes are expected; `coverage_80` is the measured share.
    pub low_80: Figure,
    /// Upper end of that interval.
    pub high_80: Figure,
    /// Out-of-sample quality of such forecasts.
    pub walk_forward: VolatilityScore,
}

/// The five inputs as of the newest bar.
///
/// # Errors
/// [`Absence::InsufficientHistory`] below [`BARS_MIN`] bars; [`Absence::Flat`] when the closes of a window, or its
/// ranges, do not move, so that there is no logarithm.
pub(crate) fn features(bars: BarsView<'_>) -> Result<[f64; 5], Absence> {
    let have = bars.len();
    if have < BARS_MIN {
        return Err(Absence::InsufficientHistory { need: BARS_MIN, have });
    }
    let squares: Vec<f64> =
        risk::log_returns(&bars.close[have - BARS_MIN..]).iter().map(|value| value * value).collect();
    let mut features = [0.0; 5];
    for (at, window) in WINDOWS.into_iter().enumerate() {
        features[at] = logarithm(risk::mean(&squares[squares.len() - window..]))?;
    }
    let ranges = (have - RANGE_BARS..have).map(|at| garman_klass(&bars, at)).sum::<f64>();
    features[4] = logarithm(ranges / RANGE_BARS as f64)?;
    Ok(features)
}

/// One bar's variance from its open, high, low and close.
fn garman_klass(bars: &BarsView<'_>, at: usize) -> f64 {
    let range = (bars.high[at] / bars.low[at]).ln();
    let body = (bars.close[at] / bars.open[at]).ln();
    0.5 * range * range - OPEN_CLOSE * body * body
}

fn logarithm(variance: f64) -> Result<f64, Absence> {
    if !variance.is_finite() {
        return Err(Absence::OutOfRange);
    }
    if variance <= risk::DISPERSION_MIN * risk::DISPERSION_MIN {
        return Err(Absence::Flat);
    }
    Ok(variance.ln())
}

impl VolatilityModel {
    /// Expected ln of the mean squared log return ahead.
    fn log_variance(&self, features: &[f64; 5]) -> f64 {
        let [constant, weights @ ..] = &self.coefficients;
        weights.iter().zip(features).fold(*constant, |sum, (weight, value)| sum + weight * value)
    }

    /// The forecast as of the newest daily bar, whatever the timeframe: windows and horizon are in trading days.
    #[must_use]
    pub fn forecast(&self, input: &AnalysisInput<'_>) -> VolatilityForecast {
        let inputs = input.daily.ok_or(Absence::Missing { what: "daily bars" }).and_then(features);
        let centre = inputs.map(|inputs| self.log_variance(&inputs));
        let year = Timeframe::Day.bars_per_year();
        let span = input.newest_daily(BARS_MIN);
        let at = |definition, shift: f64| {
            let volatility = centre.map(|centre| (0.5 * (centre + shift)).exp() * year.sqrt());
            Figure::new(definition, span, volatility)
        };
        let [low, high] = self.residual_quantiles;
        VolatilityForecast {
            model: self.card.model.clone(),
            horizon_bars: self.card.horizon_bars,
            volatility: at(
                "HAR with range term on log variance over 2, 5, 21, 126 bars, plus half the residual variance",
                0.5 * self.residual_variance,
            ),
            low_80: at("forecast of log variance plus the 10 % quantile of residuals", low),
            high_80: at("forecast of log variance plus the 90 % quantile of residuals", high),
            walk_forward: self.walk_forward.clone(),
        }
    }
}
