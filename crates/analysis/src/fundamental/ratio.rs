//! Ratios of filed figures.

use crate::Absence;

/// A filed figure or a ratio of two, or why there is none.
pub(super) type FiledFigure = Result<f64, Absence>;

/// `over / under`, unless the denominator is zero or negative.
pub(super) fn ratio(over: FiledFigure, under: FiledFigure, what: &'static str) -> FiledFigure {
    let (over, under) = (over?, under?);
    if under > 0.0 { Ok(over / under) } else { Err(Absence::DenominatorNotPositive { what }) }
}

/// The figure, if it was filed.
pub(super) fn given(value: Option<f64>, what: &'static str) -> FiledFigure {
    value.ok_or(Absence::Missing { what })
}
