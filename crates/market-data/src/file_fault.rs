//! Why a CSV file cannot be used: the file's own fault, which whoever wrote it can correct.

use crate::{RefusedRow, RowLocation};

/// Most rows that are listed when too few are usable.
pub(crate) const FIRST_ROWS_MAX: usize = 5;
/// Longest text of a file that a message repeats.
const EXCERPT_CHARS_MAX: usize = 80;

/// Why a CSV file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum FileFault {
    /// The name is not that of a symbol.
    #[error(
        "the file's name is not a symbol: rename it to SYMBOL.csv, such as AAPL.csv, BRK-B.csv or 0700.HK.csv"
    )]
    Name,
    /// The operating system does not let us read it.
    #[error("reading the file failed: {kind}")]
    Unreadable {
        /// What the operating system says.
        kind: std::io::ErrorKind,
    },
    /// It is not UTF-8.
    #[error("the file is not UTF-8: save it as CSV UTF-8")]
    Encoding,
    /// It has too many bytes.
    #[error("the file has more than {limit_bytes} bytes")]
    TooLarge {
        /// The bound.
        limit_bytes: usize,
    },
    /// It has too many rows.
    #[error("the file has more than {limit_rows} rows")]
    TooManyRows {
        /// The bound.
        limit_rows: usize,
    },
    /// It is empty.
    #[error("the file is empty")]
    Empty,
    /// It has a header and no row.
    #[error("the file has no rows below its header")]
    NoRows,
    /// A cell in quotes goes over several lines.
    #[error(
        "a cell in quotes in line {line} goes on in the next line: close the quote or remove the line break"
    )]
    LineBreak {
        /// The line of its row.
        line: usize,
    },
    /// A column that every bar needs is not there.
    #[error("no column for {}: the header is `{header}`", missing.join(", "))]
    MissingColumns {
        /// What the absent columns would hold.
        missing: Vec<&'static str>,
        /// The header.
        header: String,
    },
    /// Two columns have the same meaning.
    #[error("two columns for {field}: `{first}` and `{second}`; remove one of them")]
    RepeatedColumn {
        /// What both hold.
        field: &'static str,
        /// The first one's name.
        first: String,
        /// The other one's name.
        second: String,
    },
    /// Its rows are about another symbol than its name says.
    #[error("the rows are of `{found}`, not of the symbol in the file's name")]
    OtherSymbol {
        /// The first other symbol.
        found: String,
    },
    /// Days and months cannot be distinguished.
    #[error(
        "dates such as `{example}` may begin with the day or the month, and no row tells which: write YYYY-MM-DD"
    )]
    AmbiguousDates {
        /// One of the dates.
        example: String,
    },
    /// Some dates can begin only with the day, and others only with the month.
    #[error(
        "line {day_first_line} has the day first and line {month_first_line} the month: write YYYY-MM-DD"
    )]
    MixedDates {
        /// A line whose first number is above 12.
        day_first_line: usize,
        /// A line whose second number is above 12, or whose order is the source's.
        month_first_line: usize,
    },
    /// Days and months are swapped in some dates.
    #[error("the date in line {line} is out of order: days and months may be swapped; write YYYY-MM-DD")]
    UnorderedDates {
        /// The first line that is out of order.
        line: usize,
    },
    /// Decimals and thousands cannot be distinguished.
    #[error(
        "numbers such as `{example}` may have a decimal or a thousands separator, and no row tells which"
    )]
    AmbiguousNumbers {
        /// One of the numbers.
        example: String,
    },
    /// Some numbers have a decimal point, and others a decimal comma.
    #[error("line {point_line} has a decimal point and line {comma_line} a decimal comma")]
    MixedNumbers {
        /// A line with a decimal point.
        point_line: usize,
        /// A line with a decimal comma.
        comma_line: usize,
    },
    /// A day has several bars.
    #[error(
        "lines {first_line} and {second_line} are of one day at different times: daily bars are required"
    )]
    Intraday {
        /// A line of that day.
        first_line: usize,
        /// Another one.
        second_line: usize,
    },
    /// The bars are of weeks or months.
    #[error("bars are {median_days} days apart: daily bars are required")]
    NotDaily {
        /// The median.
        median_days: i32,
    },
    /// More rows are unusable than usable.
    #[error("{refused_total} of {rows_total} rows cannot be used: {}", first_rows(first))]
    UnusableRows {
        /// Number of unusable rows.
        refused_total: usize,
        /// Number of all rows.
        rows_total: usize,
        /// The first five unusable rows.
        first: Vec<RefusedRow>,
    },
}

impl FileFault {
    /// The code in responses and logs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.into()
    }
}

fn first_rows(rows: &[RefusedRow]) -> String {
    let describe = |row: &RefusedRow| match row.location {
        RowLocation::Line { line } => format!("line {line} ({})", row.reason.as_str()),
        RowLocation::Position { position } => format!("row {position} ({})", row.reason.as_str()),
    };
    rows.iter().map(describe).collect::<Vec<_>>().join(", ")
}

/// Text of a file for a message: bounded, and without control characters.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(EXCERPT_CHARS_MAX).collect()
}
