//! An indicator's value at the newest bar, or why there is none.

use crate::Absence;

/// A value, and whether it is only a convention because its prices do not move.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct IndicatorValue {
    pub(crate) value: f64,
    pub(crate) is_flat: bool,
}

pub(crate) type IndicatorResult = Result<IndicatorValue, Absence>;

impl IndicatorValue {
    pub(crate) fn moving(value: f64) -> Self {
        Self { value, is_flat: false }
    }

    /// The conventional value for prices that do not move.
    pub(crate) fn flat(value: f64) -> Self {
        Self { value, is_flat: true }
    }
}

/// An error when a value needs more bars than there are.
pub(crate) fn enough(have: usize, need: usize) -> Result<(), Absence> {
    if have < need { Err(Absence::InsufficientHistory { need, have }) } else { Ok(()) }
}

/// A value that may vote: a finite one of moving prices.
pub(crate) fn votable(outcome: &IndicatorResult) -> Result<f64, Absence> {
    match outcome {
        Ok(IndicatorValue { is_flat: true, value: _ }) => Err(Absence::Flat),
        Ok(IndicatorValue { is_flat: false, value }) if !value.is_finite() => Err(Absence::OutOfRange),
        Ok(IndicatorValue { is_flat: false, value }) => Ok(*value),
        Err(absence) => Err(*absence),
    }
}
