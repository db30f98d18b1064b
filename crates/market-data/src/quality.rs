//! Rows that were refused: each with its location and its reason, none repaired.

use domain::{BarDefect, Date};
use serde::{Serialize, Serializer};

/// Most rows that are listed one by one; the total counts them all.
pub const REFUSED_LISTED_MAX: usize = 100;

/// The refused rows of a symbol, and what a reader of its figures must know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Quality {
    /// Counts rows beyond the list, too.
    pub refused_total: usize,
    /// The first [`REFUSED_LISTED_MAX`] of them.
    pub refused: Vec<RefusedRow>,
    /// Limits of the source, in sentences.
    pub notes: Vec<&'static str>,
}

/// One row that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RefusedRow {
    /// In JSON its members are the row's own.
    #[serde(flatten)]
    pub location: RowLocation,
    /// Of a row with a valid date.
    pub date: Option<Date>,
    /// In JSON, [`RowFault::as_str`].
    pub reason: RowFault,
}

/// Where a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum RowLocation {
    /// In a file.
    Line {
        /// From 1; the header is line 1.
        line: usize,
    },
    /// In a vendor's response.
    Position {
        /// From 0, over all pages.
        position: usize,
    },
}

/// Why a row was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFault {
    /// Another number of fields than the header.
    FieldCount,
    /// The date is not `YYYY-MM-DD`, or no such day.
    NotADate,
    /// A field is not a plain decimal number.
    NotANumber,
    /// A field that every bar needs is absent.
    MissingField,
    /// Not UTF-8.
    NotUtf8,
    /// Longer than a row can be.
    TooLong,
    /// An adjusted close that is zero or negative.
    AdjustedNotPositive,
    /// A daily bar that does not begin at midnight in New York.
    NotMidnight,
    /// The bar is inconsistent.
    Bar(BarDefect),
}

impl RowFault {
    /// Its name in responses and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FieldCount => "field_count",
            Self::NotADate => "not_a_date",
            Self::NotANumber => "not_a_number",
            Self::MissingField => "missing_field",
            Self::NotUtf8 => "not_utf8",
            Self::TooLong => "too_long",
            Self::AdjustedNotPositive => "adjusted_not_positive",
            Self::NotMidnight => "not_midnight",
            Self::Bar(BarDefect::NotFinite) => "not_finite",
            Self::Bar(BarDefect::NotPositive) => "not_positive",
            Self::Bar(BarDefect::Inconsistent) => "inconsistent",
            Self::Bar(BarDefect::NegativeVolume) => "negative_volume",
            Self::Bar(BarDefect::VolumeTooLarge) => "volume_too_large",
            Self::Bar(BarDefect::DuplicateDate) => "duplicate_date",
            Self::Bar(BarDefect::OutOfOrder) => "out_of_order",
        }
    }
}

impl Serialize for RowFault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Quality {
    /// Counts a refused row, and lists it while there is room.
    pub(crate) fn refuse(&mut self, location: RowLocation, date: Option<Date>, reason: RowFault) {
        self.refused_total += 1;
        if self.refused.len() < REFUSED_LISTED_MAX {
            self.refused.push(RefusedRow { location, date, reason });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_bounded_and_the_count_is_not() {
        let mut quality = Quality::default();
        for line in 2..502 {
            quality.refuse(RowLocation::Line { line }, None, RowFault::NotADate);
        }
        assert_eq!((quality.refused_total, quality.refused.len()), (500, REFUSED_LISTED_MAX));
        let first = serde_json::to_string(&quality.refused[0]).unwrap();
        assert_eq!(first, r#"{"line":2,"date":null,"reason":"not_a_date"}"#);
    }
}
