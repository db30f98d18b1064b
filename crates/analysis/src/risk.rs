//! Risk and return of a series of closes, under the definitions of empyrical and pandas.
//!
//! Plain functions on slices, which return a number or an [`Absence`]. They do not depend on engines, scores or JSON.

mod drawdown;
mod market;
mod moments;
mod performance;
mod tail;

pub(crate) use drawdown::drawdown;
pub(crate) use market::align_with_market;
pub use moments::deviation;
pub(crate) use moments::{DISPERSION_MIN, Moments, mean};
pub(crate) use performance::{
    EWMA_RETURNS_MAX, cagr, calmar, ewma_variance, per_bar_rate, sharpe, sortino, total_return, volatility,
};
pub(crate) use tail::{omega, tails, var_95_normal};

use crate::Absence;

/// Simple returns, close to close: one fewer than `closes`.
#[must_use]
pub fn simple_returns(closes: &[f64]) -> Vec<f64> {
    closes.windows(2).map(|pair| pair[1] / pair[0] - 1.0).collect()
}

/// Natural logarithms of the ratios of neighbouring closes: one fewer than `closes`.
pub(crate) fn log_returns(closes: &[f64]) -> Vec<f64> {
    closes.windows(2).map(|pair| (pair[1] / pair[0]).ln()).collect()
}

/// An error when there are fewer than `need` returns. It counts bars, of which there is one more.
fn at_least(need: usize, have: usize) -> Result<(), Absence> {
    if have < need {
        return Err(Absence::InsufficientHistory { need: need + 1, have: have + 1 });
    }
    Ok(())
}
