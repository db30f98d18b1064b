//! Refused rows, with their locations and reasons. No row is repaired.

use std::borrow::Cow;
use std::collections::BTreeMap;

use domain::{BarDefect, Date, RefusedBar};
use serde::Serialize;

/// Most rows that are listed; the total counts all of them.
pub const REFUSED_LISTED_MAX: usize = 100;

/// The refused rows of a symbol, and limits of its data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quality {
    /// Number of refused rows, including those beyond the list.
    pub refused_total: usize,
    /// The first [`REFUSED_LISTED_MAX`] refused rows.
    pub refused: Vec<RefusedRow>,
    /// Dates of the refused rows that leave a gap, ascending: a copy of a used bar leaves none.
    pub refused_dates: Vec<Date>,
    /// Number of refused rows without a valid date.
    pub refused_undated: usize,
    /// Limits of the data, in sentences.
    pub notes: Vec<Cow<'static, str>>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
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
    /// The date has no known form, or the day does not exist.
    NotADate,
    /// A field is not a number.
    NotANumber,
    /// A field that every bar needs is absent.
    MissingField,
    /// The row is not UTF-8.
    NotUtf8,
    /// The row is longer than 512 bytes.
    TooLong,
    /// The adjusted close is zero or negative.
    AdjustedNotPositive,
    /// The number of new shares for one old share is zero or negative.
    SplitNotPositive,
    /// The time of day does not tell the date at the exchange: with a time zone, it has to be midnight at the exchange.
    NotMidnight,
    /// The date is more than a day after now.
    InTheFuture,
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
    /// The refused rows in any order, and what limits the others.
    pub(crate) fn new(mut refused: Vec<RefusedRow>, notes: impl IntoIterator<Item = &'static str>) -> Self {
        refused.sort_unstable_by_key(|row| row.location);
        let leaves_gap = |row: &&RefusedRow| row.reason != RowFault::Bar(BarDefect::DuplicateDate);
        let mut refused_dates: Vec<Date> =
            refused.iter().filter(leaves_gap).filter_map(|row| row.date).collect();
        refused_dates.sort_unstable();
        let refused_undated = refused.iter().filter(|row| row.date.is_none()).count();
        let notes =
            notes.into_iter().map(Cow::Borrowed).chain(refusal_note(&refused).map(Cow::Owned)).collect();
        let refused_total = refused.len();
        refused.truncate(REFUSED_LISTED_MAX);
        Self { refused_total, refused, refused_dates, refused_undated, notes }
    }

    /// The bars of a request that are refused.
    #[must_use]
    pub fn from_bars(refused: &[RefusedBar]) -> Self {
        let row = |bar: &RefusedBar| RefusedRow {
            location: RowLocation::Position { position: bar.position },
            date: Some(bar.date),
            reason: RowFault::Bar(bar.reason),
        };
        Self::new(refused.iter().map(row).collect(), [])
    }
}

/// How many rows are left out, why, and since when.
fn refusal_note(refused: &[RefusedRow]) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    refused.iter().for_each(|row| *counts.entry(row.reason.as_str()).or_default() += 1);
    let reasons: Vec<String> = counts.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    let first = refused.iter().filter_map(|row| row.date).min();
    let first = first.map_or_else(String::new, |date| format!("; the first is of {date}"));
    (!refused.is_empty()).then(|| format!("rows left out: {}{first}", reasons.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_bounded_and_the_count_the_dates_and_the_note_are_not() {
        let row = |line| RefusedRow {
            location: RowLocation::Line { line },
            date: (line > 301).then(|| Date::from_days(20_000 - line as i32).unwrap()),
            reason: if line % 2 == 0 { RowFault::NotADate } else { RowFault::Bar(BarDefect::Inconsistent) },
        };
        let quality = Quality::new((2..502).rev().map(row).collect(), ["a limit"]);
        assert_eq!((quality.refused_total, quality.refused.len()), (500, REFUSED_LISTED_MAX));
        assert_eq!((quality.refused_dates.len(), quality.refused_undated), (200, 300));
        assert_eq!(
            quality.notes,
            ["a limit", "rows left out: 250 inconsistent, 250 not_a_date; the first is of 2023-05-22"]
        );
        let first = serde_json::to_string(&quality.refused[0]).unwrap();
        assert_eq!(first, r#"{"line":2,"date":null,"reason":"not_a_date"}"#);
    }
}
