//! Return, volatility and the ratios of one to the other.

use super::moments::{above_rounding, sums};
use super::{Moments, at_least, log_returns};
use crate::Absence;

/// Weight of yesterday's variance in the exponentially weighted volatility (RiskMetrics 1996, daily).
const EWMA_DECAY: f64 = 0.94;
/// Returns in the exponential mean; the weight of an older one is below 1e-18.
pub(crate) const EWMA_RETURNS_MAX: usize = 700;

/// Last close over first, less 1: the compounded simple returns.
///
/// # Errors
/// [`Absence::InsufficientHistory`] below 2 closes.
pub(crate) fn total_return(closes: &[f64]) -> Result<f64, Absence> {
    match closes {
        [first, .., last] => Ok(last / first - 1.0),
        _ => Err(Absence::InsufficientHistory { need: 2, have: closes.len() }),
    }
}

/// Compound annual growth: (1 + total)^(bars per year / number of returns) − 1.
///
/// # Errors
/// [`Absence::InsufficientHistory`] below 2 closes.
pub(crate) fn cagr(closes: &[f64], bars_per_year: f64) -> Result<f64, Absence> {
    let growth = 1.0 + total_return(closes)?;
    Ok(growth.powf(bars_per_year / (closes.len() as f64 - 1.0)) - 1.0)
}

/// Sample deviation of the returns, times √(bars per year).
///
/// # Errors
/// Those of [`Moments::deviation`].
pub(crate) fn volatility(returns: &Moments, bars_per_year: f64) -> Result<f64, Absence> {
    Ok(returns.deviation()? * bars_per_year.sqrt())
}

/// The rate of one bar that compounds to `annual`: (1 + annual)^(1 / bars per year) − 1.
pub(crate) fn per_bar_rate(annual: f64, bars_per_year: f64) -> f64 {
    (1.0 + annual).powf(1.0 / bars_per_year) - 1.0
}

/// Mean excess return over its sample deviation, times √(bars per year). A constant rate leaves the deviation alone.
///
/// # Errors
/// Those of [`Moments::deviation`].
pub(crate) fn sharpe(returns: &Moments, rate_per_bar: f64, bars_per_year: f64) -> Result<f64, Absence> {
    Ok((returns.mean() - rate_per_bar) / returns.deviation()? * bars_per_year.sqrt())
}

/// Mean excess return over the root mean square of its negative part, taken over **all** bars, times √(bars per year).
///
/// # Errors
/// [`Absence::InsufficientHistory`] below 2 returns, [`Absence::DenominatorNotPositive`] when no bar fell short.
pub(crate) fn sortino(returns: &[f64], rate_per_bar: f64, bars_per_year: f64) -> Result<f64, Absence> {
    at_least(2, returns.len())?;
    let [excess, squares] = sums(returns, |value| {
        let excess = value - rate_per_bar;
        let short = excess.min(0.0);
        [excess, short * short]
    });
    let n = returns.len() as f64;
    let downside = above_rounding((squares / n).sqrt()).map_err(|absence| match absence {
        Absence::Flat => Absence::DenominatorNotPositive { what: "downside deviation" },
        other => other,
    })?;
    Ok(excess / n / downside * bars_per_year.sqrt())
}

/// Compound annual growth over the size of the deepest drawdown.
///
/// # Errors
/// [`Absence::DenominatorNotPositive`] when there was no drawdown.
pub(crate) fn calmar(cagr: f64, max_drawdown: f64) -> Result<f64, Absence> {
    if max_drawdown < 0.0 {
        Ok(cagr / max_drawdown.abs())
    } else {
        Err(Absence::DenominatorNotPositive { what: "maximum drawdown" })
    }
}

/// Exponentially weighted mean of squared log returns (λ 0.94, seeded with the first): pandas `ewm(alpha=0.06, adjust=False)`. Only
/// the newest [`EWMA_RETURNS_MAX`] returns are read.
///
/// # Errors
/// [`Absence::InsufficientHistory`] without a return.
pub(crate) fn ewma_variance(closes: &[f64]) -> Result<f64, Absence> {
    let newest = &closes[closes.len().saturating_sub(EWMA_RETURNS_MAX + 1)..];
    at_least(1, newest.len().saturating_sub(1))?;
    let squares: Vec<f64> = log_returns(newest).iter().map(|value| value * value).collect();
    let (seed, rest) = squares.split_at(1);
    // Four steps at a time, so that one multiplication depends on the previous result, not four.
    let [one, two, three] = [1, 2, 3].map(|power| EWMA_DECAY.powi(power));
    let four = two * two;
    let (blocks, rest) = rest.as_chunks::<4>();
    let variance = blocks.iter().fold(seed[0], |variance, [a, b, c, d]| {
        four * variance + (1.0 - EWMA_DECAY) * ((three * a + two * b) + (one * c + d))
    });
    Ok(rest.iter().fold(variance, |variance, square| EWMA_DECAY * variance + (1.0 - EWMA_DECAY) * square))
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
        assert!(sharpe(&Moments::new(&returns), 0.0, 252.0).is_ok());
        assert_eq!(sharpe(&Moments::new(&[0.01; 3]), 0.0, 252.0), Err(Absence::Flat));
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
    fn the_exponential_mean_is_the_recursion_however_many_steps_are_left_over() {
        let closes: Vec<f64> = (0..12).map(|day| 100.0 + f64::from(day * day % 7)).collect();
        for count in 2..closes.len() {
            let returns = log_returns(&closes[..count]);
            let slow =
                returns[1..].iter().fold(returns[0] * returns[0], |old, new| 0.94 * old + 0.06 * new * new);
            let got = ewma_variance(&closes[..count]).unwrap();
            assert!((got - slow).abs() < 1e-16, "{count} closes");
        }
        assert!(ewma_variance(&closes[..1]).is_err());
        assert!(ewma_variance(&[]).is_err());
    }

    #[test]
    fn the_daily_rate_compounds_to_the_annual_one() {
        assert!(((1.0 + per_bar_rate(0.03, 252.0)).powi(252) - 1.03).abs() < 1e-13);
    }
}
