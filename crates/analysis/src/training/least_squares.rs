//! Least squares with a few unknowns, by normal equations.

use super::FitError;

/// Smallest pivot, relative to the largest diagonal, that still determines a coefficient.
const PIVOT_MIN: f64 = 1e-13;

/// Solves `matrix · x = right` for a symmetric positive definite matrix, by Cholesky.
pub(super) fn solve<const N: usize>(
    mut matrix: [[f64; N]; N],
    mut right: [f64; N],
) -> Result<[f64; N], FitError> {
    let largest = (0..N).map(|at| matrix[at][at]).fold(0.0, f64::max);
    for column in 0..N {
        for row in column..N {
            let product: f64 = (0..column).map(|k| matrix[row][k] * matrix[column][k]).sum();
            let rest = matrix[row][column] - product;
            if row == column {
                if rest.is_nan() || rest <= PIVOT_MIN * largest {
                    return Err(FitError::Singular);
                }
                matrix[row][row] = rest.sqrt();
            } else {
                matrix[row][column] = rest / matrix[column][column];
            }
        }
    }
    for row in 0..N {
        let product: f64 = (0..row).map(|k| matrix[row][k] * right[k]).sum();
        right[row] = (right[row] - product) / matrix[row][row];
    }
    for row in (0..N).rev() {
        let product: f64 = (row + 1..N).map(|k| matrix[k][row] * right[k]).sum();
        right[row] = (right[row] - product) / matrix[row][row];
    }
    Ok(right)
}

/// Ordinary least squares of `outcome` on `inputs` (the first of which is usually 1).
pub(super) fn least_squares<const N: usize>(
    rows: impl Iterator<Item = ([f64; N], f64)>,
) -> Result<[f64; N], FitError> {
    let (mut matrix, mut right) = ([[0.0; N]; N], [0.0; N]);
    for (inputs, outcome) in rows {
        for i in 0..N {
            right[i] += inputs[i] * outcome;
            for j in 0..=i {
                matrix[i][j] += inputs[i] * inputs[j];
            }
        }
    }
    solve(matrix, right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_through_points_is_found() {
        // numpy: lstsq of y = [1, 3, 5, 8] on [1, x], x = 0..3: intercept 0.8, slope 2.3.
        let points = [(0.0, 1.0), (1.0, 3.0), (2.0, 5.0), (3.0, 8.0)];
        let [constant, slope] = least_squares(points.into_iter().map(|(x, y)| ([1.0, x], y))).unwrap();
        assert!((constant - 0.8).abs() < 1e-12 && (slope - 2.3).abs() < 1e-12);
    }

    #[test]
    fn an_underdetermined_system_is_refused() {
        let points = [1.0, 2.0, 3.0].map(|x| ([1.0, x, 2.0 * x], x));
        assert_eq!(least_squares(points.into_iter()), Err(FitError::Singular));
        assert_eq!(least_squares::<2>(std::iter::empty()), Err(FitError::Singular));
    }
}
