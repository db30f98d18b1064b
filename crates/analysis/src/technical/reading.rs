//! A value at the newest bar, or why there is none.

use crate::Absence;

/// A value and whether the prices behind it stand still, so that it is a convention and no reading.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reading {
    pub(crate) value: f64,
    pub(crate) is_flat: bool,
}

pub(crate) type Outcome = Result<Reading, Absence>;

impl Reading {
    pub(crate) fn moving(value: f64) -> Self {
        Self { value, is_flat: false }
    }

    /// What the definition says of prices that do not move.
    pub(crate) fn flat(value: f64) -> Self {
        Self { value, is_flat: true }
    }
}

/// The absence of a value that needs `need` bars, when there are fewer.
pub(crate) fn enough(have: usize, need: usize) -> Result<(), Absence> {
    if have < need { Err(Absence::InsufficientHistory { need, have }) } else { Ok(()) }
}

/// A value that may vote: one of moving prices.
pub(crate) fn voting(outcome: &Outcome) -> Result<f64, Absence> {
    match outcome {
        Ok(Reading { is_flat: true, value: _ }) => Err(Absence::Flat),
        Ok(Reading { is_flat: false, value }) if !value.is_finite() => Err(Absence::OutOfRange),
        Ok(Reading { is_flat: false, value }) => Ok(*value),
        Err(absence) => Err(*absence),
    }
}
