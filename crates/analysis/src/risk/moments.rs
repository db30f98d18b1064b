//! Mean, deviation, skewness and kurtosis, with the bias corrections of pandas.

use super::at_least;
use crate::Absence;

/// A deviation of returns at or below this is rounding: returns of 64-bit closes are exact to about 2e-16.
pub(crate) const DISPERSION_MIN: f64 = 1e-14;

/// Lanes of independent additions in sums.
const LANES: usize = 8;

/// Count, mean and sums of powers of the distances from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Moments {
    count: usize,
    mean: f64,
    /// Sums of the second, third and fourth powers.
    powers: [f64; 3],
}

impl Moments {
    pub(crate) fn new(values: &[f64]) -> Self {
        let mean = mean(values);
        let powers = sums(values, |value| {
            let off = value - mean;
            let square = off * off;
            [square, square * off, square * square]
        });
        Self { count: values.len(), mean, powers }
    }

    /// Arithmetic mean; NaN without values.
    pub(crate) fn mean(&self) -> f64 {
        self.mean
    }

    /// Sample deviation: divides by n − 1.
    ///
    /// # Errors
    /// [`Absence::InsufficientHistory`] below 2 values, [`Absence::Flat`] when they do not differ.
    pub(crate) fn deviation(&self) -> Result<f64, Absence> {
        let n = self.at_least(2)?;
        above_rounding((self.powers[0] / (n - 1.0)).sqrt())
    }

    /// Adjusted Fisher–Pearson skewness G1: what `pandas.Series.skew` computes.
    ///
    /// # Errors
    /// As [`Moments::deviation`], with at least 3 values.
    pub(crate) fn skewness(&self) -> Result<f64, Absence> {
        let n = self.at_least(3)?;
        let [second, third, _] = self.powers.map(|power| power / n);
        let deviation = above_rounding(second.sqrt())?;
        Ok((n * (n - 1.0)).sqrt() / (n - 2.0) * third / (second * deviation))
    }

    /// Bias-corrected excess kurtosis G2: what `pandas.Series.kurt` computes.
    ///
    /// # Errors
    /// As [`Moments::deviation`], with at least 4 values.
    pub(crate) fn excess_kurtosis(&self) -> Result<f64, Absence> {
        let n = self.at_least(4)?;
        let [second, _, fourth] = self.powers.map(|power| power / n);
        above_rounding(second.sqrt())?;
        let biased = fourth / (second * second);
        Ok((n - 1.0) / ((n - 2.0) * (n - 3.0)) * ((n + 1.0) * biased - 3.0 * (n - 1.0)))
    }

    fn at_least(&self, need: usize) -> Result<f64, Absence> {
        at_least(need, self.count).map(|()| self.count as f64)
    }
}

/// Arithmetic mean of a non-empty slice.
pub(crate) fn mean(values: &[f64]) -> f64 {
    let [sum] = sums(values, |value| [value]);
    sum / values.len() as f64
}

/// Sample deviation of `values`: divides by n − 1.
///
/// # Errors
/// [`Absence::InsufficientHistory`] below 2 values, [`Absence::Flat`] when they do not differ.
pub fn deviation(values: &[f64]) -> Result<f64, Absence> {
    Moments::new(values).deviation()
}

/// Sums of the `terms` of each value.
pub(super) fn sums<const N: usize>(values: &[f64], terms: impl Fn(f64) -> [f64; N]) -> [f64; N] {
    let mut lanes = [[0.0; LANES]; N];
    let (blocks, rest) = values.as_chunks::<LANES>();
    for block in blocks {
        for lane in 0..LANES {
            let terms = terms(block[lane]);
            for term in 0..N {
                lanes[term][lane] += terms[term];
            }
        }
    }
    for (lane, value) in rest.iter().enumerate() {
        let terms = terms(*value);
        for term in 0..N {
            lanes[term][lane] += terms[term];
        }
    }
    lanes.map(|[a, b, c, d, e, f, g, h]| ((a + b) + (c + d)) + ((e + f) + (g + h)))
}

/// `deviation`, unless it is only rounding.
pub(super) fn above_rounding(deviation: f64) -> Result<f64, Absence> {
    if deviation.is_nan() {
        return Err(Absence::OutOfRange);
    }
    if deviation <= DISPERSION_MIN { Err(Absence::Flat) } else { Ok(deviation) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_pandas() {
        // pandas 3.1.1: Series([1, 2, 3, 4, 10.]) .std() .skew() .kurt()
        let moments = Moments::new(&[1.0, 2.0, 3.0, 4.0, 10.0]);
        assert!((moments.deviation().unwrap() - 3.5355339059327378).abs() < 1e-12);
        assert!((moments.skewness().unwrap() - 1.6970562748477138).abs() < 1e-12);
        assert!((moments.excess_kurtosis().unwrap() - 3.1519999999999984).abs() < 1e-12);
    }

    #[test]
    fn constant_values_have_no_deviation() {
        assert_eq!(deviation(&[0.5]), Err(Absence::InsufficientHistory { need: 3, have: 2 }));
        assert_eq!(deviation(&[]), Err(Absence::InsufficientHistory { need: 3, have: 1 }));
        assert_eq!(deviation(&[0.01; 30]), Err(Absence::Flat));
        assert_eq!(Moments::new(&[0.0; 30]).skewness(), Err(Absence::Flat));
        assert_eq!(Moments::new(&[1e-18, 0.0, -1e-18, 0.0]).excess_kurtosis(), Err(Absence::Flat));
        assert_eq!(deviation(&[f64::INFINITY, 1.0]), Err(Absence::OutOfRange));
    }

    #[test]
    fn lanes_lose_no_value() {
        let values: Vec<f64> = (1..=21).map(f64::from).collect();
        // 21 * 22 / 2 / 21
        assert_eq!(mean(&values), 11.0);
    }
}
