//! Fits the fall-risk model.

use super::logistic::Logistic;
use super::probability_score::{BINS, Prediction, calibration, score};
use super::rows::{Row, rows, walk_forward, walk_forward_of_others};
use super::{EMBARGO_BARS, FitError, Series, rounded};
use crate::fall_risk::{FEATURES, FallModel, FallRiskModel, HORIZON_BARS, features};
use crate::model_card::ModelCard;

/// Depths of fall, as log returns.
const FALLS: [f64; 2] = [0.05, 0.10];

/// Fits both depths to `series`, and measures them year by year.
///
/// # Errors
/// [`FitError`] when the bars do not determine a model or leave no year to test.
pub fn fit_fall_risk(series: &[Series<'_>], data_sha256: &str) -> Result<FallRiskModel, FitError> {
    let depths: Vec<Row<3, f64>> = series.iter().enumerate().flat_map(deepest_ahead).collect();
    let falls = FALLS.iter().map(|fall| fit(&depths, *fall)).collect::<Result<_, _>>()?;
    let first_date = depths.iter().map(|row| row.date).min().ok_or(FitError::TooFewRows)?;
    let last_date = depths.iter().map(|row| row.date).max().ok_or(FitError::TooFewRows)?;
    let card = ModelCard {
        model: "fall-risk/2".to_owned(),
        target:
            "ln(lowest close of the next 21 bars / close) at or below -fall; not the direction of the price"
                .to_owned(),
        method: "logistic regression on standardised logarithms, squared penalty with C = 0.05".to_owned(),
        validation:
            "yearly expanding walk-forward; skill against the base rate of the training rows; for unseen \
                     companies, the training rows are also those of the other companies alone"
                .to_owned(),
        data_sha256: data_sha256.to_owned(),
        symbols: series.iter().map(|series| series.symbol.to_owned()).collect(),
        first_date,
        last_date,
        rows: depths.len(),
        horizon_bars: HORIZON_BARS,
        purge_bars: HORIZON_BARS + EMBARGO_BARS,
        features: FEATURES.map(str::to_owned).to_vec(),
        limits: [
            "labels overlap: about rows / 21 are independent, and symbols move together",
            "the symbols are companies that survived, which flatters every figure",
            "fitted to 2000-2013; volatility since may behave otherwise",
        ]
        .map(str::to_owned)
        .to_vec(),
    };
    Ok(FallRiskModel { card, falls })
}

/// For each day, the log return to the lowest close ahead of it.
fn deepest_ahead((symbol, series): (usize, &Series<'_>)) -> Vec<Row<3, f64>> {
    let bars = series.bars;
    rows(symbol, series, HORIZON_BARS, |at| {
        let inputs = features(bars.range(0..at + 1)).ok()?;
        let ahead = &bars.close[at + 1..=at + HORIZON_BARS];
        let lowest = ahead.iter().copied().fold(f64::INFINITY, f64::min);
        Some((inputs, (lowest / bars.close[at]).ln()))
    })
}

fn fit(depths: &[Row<3, f64>], fall: f64) -> Result<FallModel, FitError> {
    let rows: Vec<Row<3, bool>> = depths.iter().map(|row| fell(row, fall)).collect();
    let predict = |train: &[Row<3, bool>], test: &[Row<3, bool>]| {
        let model = Logistic::fit(train)?;
        Ok(test.iter().map(|row| predicted(&model, row)).collect())
    };
    let (walk_forward, walk_forward_by_year, predictions) = walk_forward(&rows, predict, score)?;
    let unseen = walk_forward_of_others(&rows, predict)?;
    let model = Logistic::fit(&rows)?;
    let extreme = |pick: fn(f64, f64) -> f64, from: f64| {
        [0, 1, 2].map(|at| rounded(rows.iter().map(|row| row.inputs[at]).fold(from, pick)))
    };
    Ok(FallModel {
        fall,
        base_rate: rounded(model.base_rate),
        mean: model.mean.map(rounded),
        scale: model.scale.map(rounded),
        lowest: extreme(f64::min, f64::INFINITY),
        highest: extreme(f64::max, f64::NEG_INFINITY),
        weights: model.weights.map(rounded),
        intercept: rounded(model.intercept),
        walk_forward,
        walk_forward_by_year,
        calibration: calibration(&predictions, BINS),
        unseen_companies: score(None, &unseen),
    })
}

fn fell(row: &Row<3, f64>, fall: f64) -> Row<3, bool> {
    let Row { symbol, date, tainted_year, inputs, outcome } = *row;
    Row { symbol, date, tainted_year, inputs, outcome: outcome <= -fall }
}

fn predicted(model: &Logistic, row: &Row<3, bool>) -> Prediction {
    Prediction { chance: model.probability(&row.inputs), base_rate: model.base_rate, happened: row.outcome }
}
