//! Return, volatility and the ratios of one to the other.

use super::moments::{above_rounding, sum};
use super::{at_least, deviation, mean};
use crate::Absence;

/// Weight of yesterday's variance in the exponentially weighted volatility (RiskMetrics 1996, daily).
const EWMA_DECAY: f64 = 0.94;

/// Last close over first, less 1: what the simple returns compound to.
///
/// # Errors
/// [`Absence::InsufficientHistory`] below 2 closes.
pub fn total_return(closes: &[f64]) -> Result<f64, Absence> {
    match closes {
        [first, .., last] => Ok(last / first - 1.0),
        _ => Err(Absence::InsufficientHistory { need: 2, have: closes.len() }),
    }
}

/// Compound annual growth: (1 + total)^(bars per year / number of returns) − 1.
///
/// # Errors
/// [`Absence::InsufficientHistory`] below 2 closes.
pub fn cagr(closes: &[f64], bars_per_year: f64) -> Result<f64, Absence> {
    let growth = 1.0 + total_return(closes)?;
    Ok(growth.powf(bars_per_year / (closes.len() as f64 - 1.0)) - 1.0)
}

/// Sample deviation of the returns, times √(bars per year).
///
/// # Errors
/// Those of [`deviation`].
pub fn volatility(returns: &[f64], bars_per_year: f64) -> Result<f64, Absence> {
    Ok(deviation(returns)? * bars_per_year.sqrt())
}

/// The rate of one bar that compounds to `annual`: (1 + annual)^(1 / bars per year) − 1.
#[must_use]
pub fn per_bar_rate(annual: f64, bars_per_year: f64) -> f64 {
    (1.0 + annual).powf(1.0 / bars_per_year) - 1.0
}

/// Mean excess return over its sample deviation, times √(bars per year). A constant rate leaves the deviation alone.
///
/// # Errors
/// Those of [`deviation`].
pub fn sharpe(returns: &[f64], rate_per_bar: f64, bars_per_year: f64) -> Result<f64, Absence> {
    let deviation = deviation(returns)?;
    Ok((mean(returns) - rate_per_bar) / deviation * bars_per_year.sqrt())
}

/// Mean excess return over the root mean square of its negative part, taken over **all** bars, times √(bars per year).
///
/// # Errors
/// [`Absence::InsufficientHistory`] below 2 returns, [`Absence::DenominatorNotPositive`] when no bar fell short.
pub fn sortino(returns: &[f64], rate_per_bar: f64, bars_per_year: f64) -> Result<f64, Absence> {
    let returns = at_least(2, returns)?;
    let squares = sum(returns.iter().map(|value| {
        let short = (value - rate_per_bar).min(0.0);
        short * short
    }));
    let downside =
        above_rounding((squares / returns.len() as f64).sqrt()).map_err(|absence| match absence {
            Absence::Flat => Absence::DenominatorNotPositive { what: "downside deviation" },
            other => other,
        })?;
    Ok((mean(returns) - rate_per_bar) / downside * bars_per_year.sqrt())
}

/// Compound annual growth over the size of the deepest drawdown.
///
/// # Errors
/// [`Absence::DenominatorNotPositive`] when there was no drawdown.
pub fn calmar(cagr: f64, max_drawdown: f64) -> Result<f64, Absence> {
    if max_drawdown < 0.0 {
        Ok(cagr / max_drawdown.abs())
    } else {
        Err(Absence::DenominatorNotPositive { what: "maximum drawdown" })
    }
}

/// Root of the exponentially weighted mean of squared log returns (λ 0.94, seeded with the first), annualised: pandas
/// `ewm(alpha=0.06, adjust=False)`.
///
/// # Errors
/// [`Absence::InsufficientHistory`] without a return.
pub fn ewma_volatility(log_returns: &[f64], bars_per_year: f64) -> Result<f64, Absence> {
    let log_returns = at_least(1, log_returns)?;
    let seed = log_returns[0] * log_returns[0];
    let variance = log_returns[1..]
        .iter()
        .fold(seed, |variance, value| EWMA_DECAY * variance + (1.0 - EWMA_DECAY) * value * value);
    Ok((variance * bars_per_year).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_that_only_rises_has_no_sortino_and_no_calmar() {
        let returns = [0.01, 0.02, 0.01];
        assert_eq!(
            sortino(&returns, 0.0, 252.0),
            Err(Absence::DenominatorNotPositive { what: "downside deviation" })
        );
        assert_eq!(calmar(0.1, 0.0), Err(Absence::DenominatorNotPositive { what: "maximum drawdown" }));
        assert!(sharpe(&returns, 0.0, 252.0).is_ok());
        assert_eq!(sharpe(&[0.01; 3], 0.0, 252.0), Err(Absence::Flat));
    }

    #[test]
    fn growth_compounds_by_the_number_of_returns() {
        // Two returns of 10 % at 12 bars a year: 1.21^(12/2) - 1.
        let closes = [100.0, 110.0, 121.0];
        assert!((total_return(&closes).unwrap() - 0.21).abs() < 1e-15);
        assert!((cagr(&closes, 12.0).unwrap() - (1.21_f64.powi(6) - 1.0)).abs() < 1e-12);
        assert_eq!(cagr(&[1.0], 252.0), Err(Absence::InsufficientHistory { need: 2, have: 1 }));
    }

    #[test]
    fn the_daily_rate_compounds_to_the_annual_one() {
        assert!(((1.0 + per_bar_rate(0.03, 252.0)).powi(252) - 1.03).abs() < 1e-13);
    }
}
