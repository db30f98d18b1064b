//! How a file was read, for whoever wants to check it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::RowOrder;
use super::columns::Columns;
use super::dates::DateOrder;
use super::layout::Layout;
use super::numbers::DecimalMark;
use super::table::Table;

/// Which column was read as what, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mapping {
    /// The source whose exports have these columns; `None` if no source, or more than one, has them.
    pub source: Option<&'static str>,
    /// For each field, the name of its column.
    pub columns: BTreeMap<&'static str, String>,
    /// Columns that were not used.
    pub ignored: Vec<String>,
    /// What separates cells.
    pub delimiter: char,
    /// How dates are written: `year_first`, `month_first`, `day_first`, `month_name` or `unix_time`.
    pub dates: &'static str,
    /// The decimal mark: `point` or `comma`.
    pub decimals: &'static str,
    /// The order of the rows.
    pub rows: RowOrder,
}

impl Mapping {
    pub(super) fn new(
        table: &Table,
        layout: &Layout,
        columns: &Columns,
        dates: DateOrder,
        decimals: DecimalMark,
        rows: RowOrder,
    ) -> Self {
        let (columns, ignored) = columns.names(&table.header);
        let delimiter = char::from(table.delimiter);
        let (dates, decimals) = (dates.into(), decimals.into());
        Self { source: layout.source, columns, ignored, delimiter, dates, decimals, rows }
    }
}
