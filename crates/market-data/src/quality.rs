//! Refused rows, with their locations and reasons. No row is repaired.

use domain::{BarDefect, Date};
use serde::Serialize;

/// Most rows that are listed; the total counts all of them.
pub const REFUSED_LISTED_MAX: usize = 100;

/// The refused rows of a symbol, and limits of its data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Quality {
    /// Number of refused rows, including those beyond the list.
    pub refused_total: usize,
    /// The first [`REFUSED_LISTED_MAX`] refused rows.
    pub refused: Vec<RefusedRow>,
    /// Limits of the source, in sentences.
    pub notes: Vec<&'static str>,
}

/// A refused row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RefusedRow {
    /// In JSON, `line` or `position`.
    #[serde(flatten)]
    pub location: RowLocation,
    /// The date, if it is valid.
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
        /// Number of the line, from 1; the header is line 1.
        line: usize,
    },
    /// In a vendor's response.
    Position {
        /// Index of the row, from 0, over all pages.
        position: usize,
    },
}

/// Why a row was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RowFault {
    /// Another number of fields than the header.
    FieldCount,
    /// The date is not `YYYY-MM-DD`, or the day does not exist.
    NotADate,
    /// A field is not a plain decimal number.
    NotANumber,
    /// A field that every bar needs is absent.
    MissingField,
    /// The row is not UTF-8.
    NotUtf8,
    /// The row is longer than 256 bytes.
    TooLong,
    /// The adjusted close is zero or negative.
    AdjustedNotPositive,
    /// The daily bar does not begin at midnight in New York.
    NotMidnight,
    /// The bar is inconsistent.
    #[serde(untagged)]
    #[strum(transparent)]
    Bar(BarDefect),
}

impl RowFault {
    /// The code in responses and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl Quality {
    /// Counts a refused row, and lists it if the list is not full.
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
