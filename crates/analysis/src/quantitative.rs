//! The quantitative engine: return and risk of the bars, alone and against the market, and a score from them.
//!
//! The score only looks back: it rates the return for the risk taken, and predicts nothing. The forecasts of volatility and
//! of falls do not vote.

mod metrics;

pub use metrics::{DrawdownDates, Quantitative};

use crate::{Absence, AnalysisInput, Driver, Engine};

/// Bars that the engine needs for a score.
const BARS_MIN: usize = 30;

/// Sharpe ratio with a score of 1.
const SHARPE_FULL: f64 = 2.0;
/// Annual arithmetic alpha with a score of 1.
const ALPHA_FULL: f64 = 0.20;
/// Drawdown with a score of 0.
const DRAWDOWN_MIDDLE: f64 = 0.25;

/// Figures and score of the bars.
#[must_use]
pub fn quantitative(input: &AnalysisInput<'_>) -> Engine<Quantitative> {
    let have = input.bars.len();
    if have < 2 {
        return Engine::unavailable(Absence::InsufficientHistory { need: BARS_MIN, have }, None);
    }
    let metrics = Quantitative::new(input);
    if have < BARS_MIN {
        return Engine::unavailable(Absence::InsufficientHistory { need: BARS_MIN, have }, Some(metrics));
    }
    if let Some(reason) = metrics.volatility.absence() {
        return Engine::unavailable(reason, Some(metrics));
    }
    Engine::from_drivers(drivers(&metrics), Absence::Flat, metrics)
}

fn drivers(metrics: &Quantitative) -> Vec<Driver> {
    [
        Driver::new(
            "sharpe_ratio",
            metrics.sharpe_ratio.value(),
            "value / 2, clamped to -1..1",
            0.5,
            |sharpe| sharpe / SHARPE_FULL,
        ),
        Driver::new(
            "alpha_arith",
            metrics.alpha_arith.value(),
            "value / 0.20, clamped to -1..1",
            0.25,
            |alpha| alpha / ALPHA_FULL,
        ),
        Driver::new(
            "max_drawdown",
            metrics.max_drawdown.value(),
            "1 + value / 0.25, clamped to -1..1",
            0.25,
            |depth| 1.0 + depth / DRAWDOWN_MIDDLE,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}
