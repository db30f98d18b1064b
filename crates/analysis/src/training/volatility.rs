//! Fits the volatility model.

use super::least_squares::least_squares;
use super::rows::{Row, rows, walk_forward};
use super::{EMBARGO_BARS, FitError, Series, rounded};
use crate::model_card::ModelCard;
use crate::risk;
use crate::volatility::{BARS_MIN, FEATURES, HORIZON_BARS, VolatilityModel, VolatilityScore, features};

/// A symbol with less than two years of bars is left out: half of its rows would be warm-up.
const SERIES_BARS_MIN: usize = 504;
/// Weight of yesterday's variance in the exponentially weighted reference.
const EWMA_DECAY: f64 = 0.94;
/// Returns of the trailing reference.
const TRAILING_BARS: usize = 21;
/// Quantiles of residuals at the ends of the interval of 80 %.
const INTERVAL: [f64; 2] = [0.10, 0.90];

/// The realized variance, and simpler forecasts of it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct RealizedVariance {
    variance: f64,
    ewma: f64,
    trailing: f64,
}

/// One forecast and its outcome.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Forecast {
    log_variance: f64,
    variance: f64,
    constant: f64,
    interval: [f64; 2],
    outcome: RealizedVariance,
}

/// Fits the regression to `series`, and measures it year by year.
///
/// # Errors
/// [`FitError`] when the bars do not determine a model or leave no year to test.
pub fn fit_volatility(series: &[Series<'_>], data_sha256: &str) -> Result<VolatilityModel, FitError> {
    let series: Vec<_> = series.iter().filter(|series| series.bars.len() >= SERIES_BARS_MIN).collect();
    let rows: Vec<Row<5, RealizedVariance>> =
        series.iter().enumerate().flat_map(|(symbol, series)| outcomes(symbol, series)).collect();
    let predict = |train: &[Row<5, RealizedVariance>], test: &[Row<5, RealizedVariance>]| {
        let fitted = FittedModel::fit(train)?;
        Ok(test.iter().map(|row| fitted.forecast(row)).collect())
    };
    let (walk_forward, walk_forward_by_year, _) = walk_forward(&rows, predict, score)?;
    let fitted = FittedModel::fit(&rows)?;
    let first_date = rows.iter().map(|row| row.date).min().ok_or(FitError::TooFewRows)?;
    let last_date = rows.iter().map(|row| row.date).max().ok_or(FitError::TooFewRows)?;
    let card = ModelCard {
        model: "volatility/1".to_owned(),
        target: "ln of the mean squared log return of the next 21 bars".to_owned(),
        method: "least squares of log variance on log variances (HAR with range term)".to_owned(),
        validation: "yearly expanding walk-forward; QLIKE against three simpler forecasts on the same rows"
            .to_owned(),
        data_sha256: data_sha256.to_owned(),
        symbols: series.iter().map(|series| series.symbol.to_owned()).collect(),
        first_date,
        last_date,
        rows: rows.len(),
        horizon_bars: HORIZON_BARS,
        purge_bars: HORIZON_BARS + EMBARGO_BARS,
        features: FEATURES.map(str::to_owned).to_vec(),
        limits: [
            "outcomes overlap: about rows / 21 are independent, and symbols move together",
            "variance is that of daily closes, not of trades within the day",
            "fitted to 2000-2013; volatility since may behave otherwise",
        ]
        .map(str::to_owned)
        .to_vec(),
    };
    Ok(VolatilityModel {
        card,
        coefficients: fitted.coefficients.map(rounded),
        residual_variance: rounded(fitted.residual_variance),
        residual_quantiles: fitted.residual_quantiles.map(rounded),
        walk_forward,
        walk_forward_by_year,
    })
}

/// For each day, the variance after it and the two references that need no fit.
fn outcomes(symbol: usize, series: &Series<'_>) -> Vec<Row<5, RealizedVariance>> {
    let bars = series.bars;
    let squares: Vec<f64> = risk::log_returns(bars.close).iter().map(|value| value * value).collect();
    let mut ewma = squares.clone();
    for at in 1..ewma.len() {
        ewma[at] = EWMA_DECAY * ewma[at - 1] + (1.0 - EWMA_DECAY) * squares[at];
    }
    rows(symbol, series, HORIZON_BARS, |at| {
        if at + 1 < BARS_MIN {
            return None;
        }
        let inputs = features(bars.range(0..at + 1)).ok()?;
        // The return of bar `at` is squares[at - 1].
        let outcome = RealizedVariance {
            variance: risk::mean(&squares[at..at + HORIZON_BARS]),
            ewma: ewma[at - 1],
            trailing: risk::mean(&squares[at - TRAILING_BARS..at]),
        };
        (outcome.variance > 0.0 && outcome.trailing > 0.0).then_some((inputs, outcome))
    })
}

/// A regression with statistics of its residuals.
struct FittedModel {
    coefficients: [f64; 6],
    residual_variance: f64,
    residual_quantiles: [f64; 2],
    mean_variance: f64,
}

impl FittedModel {
    fn fit(rows: &[Row<5, RealizedVariance>]) -> Result<Self, FitError> {
        let coefficients =
            least_squares(rows.iter().map(|row| (with_constant(&row.inputs), row.outcome.variance.ln())))?;
        let residual =
            |row: &Row<5, RealizedVariance>| row.outcome.variance.ln() - value(&coefficients, &row.inputs);
        let mut residuals: Vec<f64> = rows.iter().map(residual).collect();
        residuals.sort_by(f64::total_cmp);
        let squares: f64 = residuals.iter().map(|value| value * value).sum();
        let freedom = rows.len().checked_sub(coefficients.len()).filter(|freedom| *freedom > 0);
        Ok(Self {
            coefficients,
            residual_variance: squares / freedom.ok_or(FitError::TooFewRows)? as f64,
            residual_quantiles: INTERVAL.map(|share| nearest_rank(&residuals, share)),
            mean_variance: rows.iter().map(|row| row.outcome.variance).sum::<f64>() / rows.len() as f64,
        })
    }

    fn forecast(&self, row: &Row<5, RealizedVariance>) -> Forecast {
        let log_variance = value(&self.coefficients, &row.inputs);
        Forecast {
            log_variance,
            variance: (log_variance + 0.5 * self.residual_variance).exp(),
            constant: self.mean_variance,
            interval: self.residual_quantiles.map(|residual| log_variance + residual),
            outcome: row.outcome,
        }
    }
}

fn with_constant(inputs: &[f64; 5]) -> [f64; 6] {
    let [a, b, c, d, e] = *inputs;
    [1.0, a, b, c, d, e]
}

fn value(coefficients: &[f64; 6], inputs: &[f64; 5]) -> f64 {
    coefficients.iter().zip(with_constant(inputs)).map(|(weight, input)| weight * input).sum()
}

fn nearest_rank(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}

/// Scores one or more forecasts.
fn score(year: Option<i16>, forecasts: &[Forecast]) -> VolatilityScore {
    let n = forecasts.len() as f64;
    let mean = |value: &dyn Fn(&Forecast) -> f64| forecasts.iter().map(value).sum::<f64>() / n;
    let qlike = |forecast: fn(&Forecast) -> f64| {
        rounded(mean(&|one| {
            let ratio = one.outcome.variance / forecast(one);
            ratio - ratio.ln() - 1.0
        }))
    };
    let centre = mean(&|one| one.outcome.variance.ln());
    let spread = mean(&|one| (one.outcome.variance.ln() - centre).powi(2));
    let missed = mean(&|one| (one.outcome.variance.ln() - one.log_variance).powi(2));
    let inside = |one: &Forecast| {
        let [low, high] = one.interval;
        f64::from(u8::from((low..=high).contains(&one.outcome.variance.ln())))
    };
    VolatilityScore {
        year,
        samples: forecasts.len(),
        qlike: qlike(|one| one.variance),
        qlike_ewma: qlike(|one| one.outcome.ewma),
        qlike_trailing: qlike(|one| one.outcome.trailing),
        qlike_constant: qlike(|one| one.constant),
        r_squared: rounded(1.0 - missed / spread),
        coverage_80: rounded(mean(&inside)),
    }
}
