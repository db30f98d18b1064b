//! Mean, deviation, skewness and kurtosis, with the bias corrections of pandas.

use super::at_least;
use crate::Absence;

/// A deviation of returns at or below this is rounding: closes of 64 bits give returns exact to about 2e-16.
pub const DISPERSION_MIN: f64 = 1e-14;

/// Arithmetic mean of a non-empty slice.
#[must_use]
pub fn mean(values: &[f64]) -> f64 {
    sum(values.iter().copied()) / values.len() as f64
}

/// Sample deviation: divides by n − 1.
///
/// # Errors
/// [`Absence::InsufficientHistory`] below 2 values, [`Absence::Flat`] when they do not differ.
pub fn deviation(values: &[f64]) -> Result<f64, Absence> {
    let values = at_least(2, values)?;
    let centre = mean(values);
    let squares = sum(values.iter().map(|value| (value - centre) * (value - centre)));
    above_rounding((squares / (values.len() as f64 - 1.0)).sqrt())
}

/// Adjusted Fisher–Pearson skewness G1: what `pandas.Series.skew` computes.
///
/// # Errors
/// As [`deviation`], with at least 3 values.
pub fn skewness(values: &[f64]) -> Result<f64, Absence> {
    let (n, central) = central_moments(at_least(3, values)?)?;
    let [second, third, _] = central;
    Ok((n * (n - 1.0)).sqrt() / (n - 2.0) * third / second.powf(1.5))
}

/// Bias-corrected excess kurtosis G2: what `pandas.Series.kurt` computes.
///
/// # Errors
/// As [`deviation`], with at least 4 values.
pub fn excess_kurtosis(values: &[f64]) -> Result<f64, Absence> {
    let (n, central) = central_moments(at_least(4, values)?)?;
    let [second, _, fourth] = central;
    let biased = fourth / (second * second);
    Ok((n - 1.0) / ((n - 2.0) * (n - 3.0)) * ((n + 1.0) * biased - 3.0 * (n - 1.0)))
}

/// Sum in four lanes, so that the additions do not wait for each other.
pub(super) fn sum(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let mut lanes = [0.0; 4];
    for (at, value) in values.enumerate() {
        lanes[at % 4] += value;
    }
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
}

/// `deviation`, unless it is only rounding.
pub(super) fn above_rounding(deviation: f64) -> Result<f64, Absence> {
    if deviation.is_nan() {
        return Err(Absence::OutOfRange);
    }
    if deviation <= DISPERSION_MIN { Err(Absence::Flat) } else { Ok(deviation) }
}

/// The count, and the second, third and fourth central moments (biased).
fn central_moments(values: &[f64]) -> Result<(f64, [f64; 3]), Absence> {
    let n = values.len() as f64;
    let centre = mean(values);
    let mut sums = [0.0; 3];
    for value in values {
        let off = value - centre;
        let square = off * off;
        sums[0] += square;
        sums[1] += square * off;
        sums[2] += square * square;
    }
    above_rounding((sums[0] / n).sqrt())?;
    Ok((n, sums.map(|sum| sum / n)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_pandas() {
        // pandas 3.1.1: Series([1, 2, 3, 4, 10.]) .std() .skew() .kurt()
        let values = [1.0, 2.0, 3.0, 4.0, 10.0];
        assert!((deviation(&values).unwrap() - 3.5355339059327378).abs() < 1e-12);
        assert!((skewness(&values).unwrap() - 1.6970562748477138).abs() < 1e-12);
        assert!((excess_kurtosis(&values).unwrap() - 3.1519999999999984).abs() < 1e-12);
    }

    #[test]
    fn what_does_not_move_has_no_deviation() {
        assert_eq!(deviation(&[0.5]), Err(Absence::InsufficientHistory { need: 3, have: 2 }));
        assert_eq!(deviation(&[0.01; 30]), Err(Absence::Flat));
        assert_eq!(skewness(&[0.0; 30]), Err(Absence::Flat));
        assert_eq!(excess_kurtosis(&[1e-18, 0.0, -1e-18, 0.0]), Err(Absence::Flat));
        assert_eq!(deviation(&[f64::INFINITY, 1.0]), Err(Absence::OutOfRange));
    }
}
