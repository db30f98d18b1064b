//! Risk and return of a series of closes, under the definitions of empyrical and pandas.
//!
//! Plain functions on slices; each answers a number or the [`Absence`] that says why there is none. Nothing here knows
//! of engines, scores or JSON.

mod drawdown;
mod market;
mod moments;
mod performance;
mod tail;

pub use drawdown::{Drawdown, drawdown};
pub use market::{Market, matched};
pub use moments::{DISPERSION_MIN, Moments, deviation, mean};
pub use performance::{
    EWMA_RETURNS_MAX, cagr, calmar, ewma_volatility, per_bar_rate, sharpe, sortino, total_return, volatility,
};
pub use tail::{Tails, omega, tails, var_95_normal};

use crate::Absence;

/// Simple returns, close to close: one fewer than `closes`.
#[must_use]
pub fn simple_returns(closes: &[f64]) -> Vec<f64> {
    closes.windows(2).map(|pair| pair[1] / pair[0] - 1.0).collect()
}

/// Natural logarithms of the ratios of neighbouring closes: one fewer than `closes`.
#[must_use]
pub fn log_returns(closes: &[f64]) -> Vec<f64> {
    closes.windows(2).map(|pair| (pair[1] / pair[0]).ln()).collect()
}

/// Whether there are `need` returns; the absence counts bars, of which there is one more.
fn at_least(need: usize, have: usize) -> Result<(), Absence> {
    if have < need {
        return Err(Absence::InsufficientHistory { need: need + 1, have: have + 1 });
    }
    Ok(())
}
