//! The worst and the best days: value at risk, expected shortfall, tail and omega ratios.

use super::moments::sums;
use super::{Moments, at_least};
use crate::Absence;

/// Share of days in each tail.
const TAIL: f64 = 0.05;

/// The 5 % quantile of the standard normal distribution.
const NORMAL_QUANTILE_5: f64 = -1.644_853_626_951_472_7;

/// Historical tail figures of one bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tails {
    /// 5 % quantile of the returns, linear interpolation.
    pub(crate) var_95: f64,
    /// Mean of the ⌊0.05 (n − 1)⌋ + 1 lowest of n returns, as in empyrical: of equal returns no more than that count.
    pub(crate) cvar_95: f64,
    /// |95 % quantile| / |5 % quantile|; absent when the latter is zero.
    pub(crate) tail_ratio: Result<f64, Absence>,
}

/// Quantiles of both tails. `returns` is reordered.
///
/// # Errors
/// [`Absence::InsufficientHistory`] below 2 returns.
pub(crate) fn tails(returns: &mut [f64]) -> Result<Tails, Absence> {
    at_least(2, returns.len())?;
    let high = quantile(returns, 1.0 - TAIL);
    let low = quantile(returns, TAIL);
    // The quantile has left the lowest returns in front.
    let worst = &returns[..=position(returns.len(), TAIL) as usize];
    let [sum] = sums(worst, |value| [value]);
    let tail_ratio = if low == 0.0 {
        Err(Absence::DenominatorNotPositive { what: "5 % quantile of returns" })
    } else {
        Ok(high.abs() / low.abs())
    };
    Ok(Tails { var_95: low, cvar_95: sum / worst.len() as f64, tail_ratio })
}

/// The 5 % quantile of a normal distribution with the returns' mean and sample deviation.
///
/// # Errors
/// Those of [`Moments::deviation`].
pub(crate) fn var_95_normal(returns: &Moments) -> Result<f64, Absence> {
    Ok(returns.mean() + returns.deviation()? * NORMAL_QUANTILE_5)
}

/// Sum of excess returns above zero over the size of the sum of those below.
///
/// # Errors
/// [`Absence::InsufficientHistory`] below 2 returns, [`Absence::DenominatorNotPositive`] when none is below.
pub(crate) fn omega(returns: &[f64], rate_per_bar: f64) -> Result<f64, Absence> {
    at_least(2, returns.len())?;
    let [above, below] = sums(returns, |value| {
        let excess = value - rate_per_bar;
        [excess.max(0.0), -excess.min(0.0)]
    });
    if below > 0.0 {
        Ok(above / below)
    } else {
        Err(Absence::DenominatorNotPositive { what: "sum of losses" })
    }
}

/// The `share` quantile by linear interpolation between order statistics (numpy's default). Reorders `values`.
fn quantile(values: &mut [f64], share: f64) -> f64 {
    let position = position(values.len(), share);
    let below = (position.floor() as usize).min(values.len() - 2);
    let (_, low, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    let low = *low;
    let high = above.iter().copied().fold(f64::INFINITY, f64::min);
    low + (position - below as f64) * (high - low)
}

/// Position of the `share` quantile among `count` sorted values, from 0.
fn position(count: usize, share: f64) -> f64 {
    (count - 1) as f64 * share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_numpy() {
        // numpy 2.4.6: percentile([3, 1, 2, 5, 4], [5, 95]) = 1.2, 4.8; the mean of values <= 1.2 is 1.
        let result = tails(&mut [3.0, 1.0, 2.0, 5.0, 4.0]).unwrap();
        assert!((result.var_95 - 1.2).abs() < 1e-15);
        assert!((result.cvar_95 - 1.0).abs() < 1e-15);
        assert!((result.tail_ratio.unwrap() - 4.0).abs() < 1e-12);
    }

    #[test]
    fn of_equal_returns_only_as_many_count_as_are_in_the_tail() {
        // empyrical 0.7.1: conditional_value_at_risk([-0.04] + [-0.01] * 39 + [0.02]) = -0.02, the mean of the lowest three; the
        // mean of all returns at or below the quantile is -0.01075.
        let mut returns = [&[-0.04][..], &[-0.01; 39], &[0.02]].concat();
        let result = tails(&mut returns).unwrap();
        assert!((result.cvar_95 + 0.02).abs() < 1e-15, "{}", result.cvar_95);
        assert_eq!(result.var_95, -0.01);
    }

    #[test]
    fn edges_say_why() {
        assert_eq!(tails(&mut [0.1]), Err(Absence::InsufficientHistory { need: 3, have: 2 }));
        let flat = tails(&mut [0.0; 5]).unwrap();
        assert_eq!((flat.var_95, flat.cvar_95), (0.0, 0.0));
        assert!(flat.tail_ratio.is_err());
        assert!(omega(&[0.1, 0.2], 0.0).is_err());
        assert!((omega(&[0.3, -0.1, -0.1], 0.0).unwrap() - 1.5).abs() < 1e-12);
    }
}
