//! Fitting and measurement of the models: the same numbers from the same data, on every machine.
//!
//! Yearly expanding walk-forward: each test year is predicted by a model fitted only to earlier rows, with the label's horizon
//! and five more days left out between them. The scaler is fitted to the training rows. Features are computed by the same
//! functions as in production, from the bars up to the row. Nothing is tuned: windows, penalty and horizon are constants.
//! Stored numbers are rounded to ten digits, because mathematical libraries differ in the last bits.

mod confidence;
mod fall_risk;
mod least_squares;
mod logistic;
mod probability_score;
mod rows;
mod volatility;

pub use confidence::measure_confidence;
pub use fall_risk::fit_fall_risk;
pub use volatility::fit_volatility;

use domain::BarsView;

/// Daily adjusted bars of one symbol, as training data.
#[derive(Clone, Copy, Debug)]
pub struct Series<'a> {
    /// The ticker.
    pub symbol: &'a str,
    /// Adjusted bars.
    pub bars: BarsView<'a>,
}

/// Why a model cannot be fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// There are not enough rows for training or for testing.
    #[error("too few rows to fit and to test a model")]
    TooFewRows,
    /// The inputs do not determine the coefficients.
    #[error("normal equations have no unique solution")]
    Singular,
}

/// First test year: at least three full years of training data in the bundled sample.
const FIRST_TEST_YEAR: i16 = 2004;

/// Trading days between the last day of a training label and the test year.
const EMBARGO_BARS: usize = 5;

/// `value` to ten significant digits.
fn rounded(value: f64) -> f64 {
    format!("{value:.9e}").parse().unwrap_or(value)
}
