//! The quantitative engine: return and risk of the bars, alone and against the market, and a score made of them.
//!
//! The score looks back only: it says how well the holding was paid for its risk, not what comes next. Forecasts are in
//! [`crate::volatility`] and [`crate::fall_risk`] and do not vote.

mod metrics;

pub use metrics::{DrawdownDates, Quantitative};

use crate::{Absence, Driver, Engine, Subject};

/// Bars below which the engine does not speak.
pub const BARS_MIN: usize = 30;

/// Sharpe ratio that is worth a full vote.
const SHARPE_FULL: f64 = 2.0;
/// Arithmetic alpha a year that is worth a full vote.
const ALPHA_FULL: f64 = 0.20;
/// Drawdown that is worth no vote either way.
const DRAWDOWN_MIDDLE: f64 = 0.25;

/// Figures and score of the subject's bars.
#[must_use]
pub fn quantitative(subject: &Subject<'_>) -> Engine<Quantitative> {
    let have = subject.bars.len();
    if have < 2 {
        return Engine::unavailable(Absence::InsufficientHistory { need: BARS_MIN, have }, None);
    }
    let metrics = Quantitative::of(subject);
    if have < BARS_MIN {
        return Engine::unavailable(Absence::InsufficientHistory { need: BARS_MIN, have }, Some(metrics));
    }
    if let Some(reason) = metrics.volatility.absence() {
        return Engine::unavailable(reason, Some(metrics));
    }
    Engine::of_drivers(drivers(&metrics), Absence::Flat, metrics)
}

fn drivers(metrics: &Quantitative) -> Vec<Driver> {
    [
        Driver::new(
            "sharpe_ratio",
            metrics.sharpe_ratio.value(),
            "value / 2, held to -1..1",
            0.5,
            |sharpe| sharpe / SHARPE_FULL,
        ),
        Driver::new(
            "alpha_arith",
            metrics.alpha_arith.value(),
            "value / 0.20, held to -1..1",
            0.25,
            |alpha| alpha / ALPHA_FULL,
        ),
        Driver::new(
            "max_drawdown",
            metrics.max_drawdown.value(),
            "1 + value / 0.25, held to -1..1",
            0.25,
            |depth| 1.0 + depth / DRAWDOWN_MIDDLE,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}
