//! Adjusted prices over prices as traded.

use domain::PRICE_TOLERANCE;

/// The factor of each bar. From the newest bar back, a factor within [`PRICE_TOLERANCE`] of the next one is that one: between two
/// corporate actions there is one factor, and a source that rounds adjusted prices only blurs it. So prices since the last
/// corporate action stay as traded, to the digit.
pub(crate) fn price_factors(adj_close: &[f64], close: &[f64]) -> Vec<f64> {
    let mut factors: Vec<f64> =
        adj_close.iter().zip(close).map(|(adjusted, close)| adjusted / close).collect();
    for at in (1..factors.len()).rev() {
        if (factors[at - 1] / factors[at] - 1.0).abs() < PRICE_TOLERANCE {
            factors[at - 1] = factors[at];
        }
    }
    factors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_change_at_corporate_actions_alone() {
        // A dividend of 1 % before the third bar, and adjusted closes to six decimals.
        let factors =
            price_factors(&[9.9, 10.032_673, 10.131_313, 10.0], &[10.0, 10.134_013, 10.131_313, 10.0]);
        assert_eq!(factors[2..], [1.0, 1.0]);
        assert_eq!(factors[0], factors[1]);
        assert!((factors[0] - 0.99).abs() < 1e-6);
    }
}
