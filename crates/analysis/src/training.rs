//! Fits the models and measures them: the same numbers from the same bytes, on every machine.
//!
//! Yearly expanding walk-forward: each test year is predicted by a model fitted to earlier rows alone, with the label's
//! horizon and five more days left out between them. The scaler is fitted inside the training rows. Features are those
//! that serving computes, called on the bars up to the row and no further. Nothing is tuned here: windows, penalty and
//! horizon are constants. What is written to a file is rounded to ten digits, far above the last bits in which
//! mathematical libraries differ.

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

/// One symbol's daily adjusted bars, to fit to.
#[derive(Clone, Copy, Debug)]
pub struct Series<'a> {
    /// Its ticker.
    pub symbol: &'a str,
    /// Its bars.
    pub bars: BarsView<'a>,
}

/// Why no model can be fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// The bars end before there is anything to learn from or to test on.
    #[error("too few rows to fit and to test a model")]
    TooFewRows,
    /// The inputs do not determine the coefficients.
    #[error("the normal equations have no unique solution")]
    Singular,
}

/// First year that is tested: three full years of training at the least, in the bundled sample.
const FIRST_TEST_YEAR: i16 = 2004;

/// Trading days between the last day that a training label sees and the test year.
const EMBARGO_BARS: usize = 5;

/// `value` to ten significant digits.
fn rounded(value: f64) -> f64 {
    format!("{value:.9e}").parse().unwrap_or(value)
}
