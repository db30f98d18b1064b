//! Reads a CSV file of daily bars, in the forms that data sources export.
//!
//! The header decides what each column means; rows may be in any order of dates. Where a date or a number can be read in two
//! ways, the whole file decides, and if it does not tell, it is refused. Unusable rows are left out and listed; nothing is
//! repaired or guessed. `docs/market-data.md` describes the forms.

mod columns;
mod dates;
mod layout;
mod mapping;
mod numbers;
mod row_order;
mod series;
mod table;

use domain::{Date, History, Symbol};

use crate::file_fault::{FIRST_ROWS_MAX, FileFault};
use crate::{Quality, RefusedRow, RowLocation};
use columns::{Cells, Columns};
use dates::{DateOrder, WrittenDate};
use layout::Layout;
use numbers::DecimalMark;
use table::Table;

pub use mapping::Mapping;
pub use row_order::RowOrder;

/// Larger files are refused.
pub(crate) const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most rows of a file: two centuries of trading days.
pub(crate) const ROWS_MAX: usize = 50_000;
const DAY_MS: i64 = 86_400_000;

/// The bars of a file, and how they were read.
#[derive(Clone, Debug)]
pub(crate) struct CsvFile {
    /// At least one bar.
    pub(crate) history: History,
    /// Unusable rows, and limits of the data.
    pub(crate) quality: Quality,
    /// Which column was read as what, and how.
    pub(crate) mapping: Mapping,
}

/// Reads the bytes of a file about `symbol`. Rows dated more than a day after `now_unix_ms` are left out.
///
/// # Errors
/// Why the file cannot be used as a whole.
pub(crate) fn parse(bytes: &[u8], symbol: Symbol, now_unix_ms: i64) -> Result<CsvFile, FileFault> {
    if bytes.len() > FILE_BYTES_MAX {
        return Err(FileFault::TooLarge { limit_bytes: FILE_BYTES_MAX });
    }
    let table = Table::parse(bytes)?;
    let layout = Layout::of_header(&table.header);
    let columns = Columns::from_header(&table.header)?;
    if table.rows.is_empty() {
        return Err(FileFault::NoRows);
    }
    columns.check_symbol(&table, symbol)?;

    let mut refused = Vec::new();
    let rows = written_rows(&table, &columns, &mut refused);
    let dates = rows.iter().map(|(date, cells)| (cells.line, cells.date, *date));
    let date_order = DateOrder::decide(dates, layout.is_month_first)?;
    let numbers = rows.iter().flat_map(|(_, cells)| cells.numbers(layout).map(|text| (cells.line, text)));
    let decimal_mark = DecimalMark::decide(numbers, table.delimiter)?;

    let rows = dated_rows(rows, date_order, &mut refused);
    let row_order = RowOrder::of_rows(&rows, date_order)?;
    row_order::check_daily(&rows)?;
    let latest = Date::from_unix_ms(now_unix_ms.saturating_add(DAY_MS), 0).ok();
    let (history, notes, layout) = series::history(symbol, &rows, layout, decimal_mark, latest, &mut refused);
    let quality = Quality::new(refused, notes);
    check_usable(history.raw().len(), table.rows.len(), &quality)?;
    let mapping = Mapping::new(&table, layout, &columns, date_order, decimal_mark, row_order);
    Ok(CsvFile { history, quality, mapping })
}

/// The rows that are complete and whose date has a known form.
fn written_rows<'a>(
    table: &'a Table,
    columns: &Columns,
    refused: &mut Vec<RefusedRow>,
) -> Vec<(WrittenDate, Cells<'a>)> {
    let mut rows = Vec::with_capacity(table.rows.len());
    for (line, record) in &table.rows {
        let cells = record.as_ref().map_err(|fault| *fault).and_then(|record| columns.cells(*line, record));
        match cells.and_then(|cells| Ok((WrittenDate::parse(cells.date, cells.time)?, cells))) {
            Ok(row) => rows.push(row),
            Err(reason) => {
                refused.push(RefusedRow { location: RowLocation::Line { line: *line }, date: None, reason });
            }
        }
    }
    rows
}

fn dated_rows<'a>(
    rows: Vec<(WrittenDate, Cells<'a>)>,
    date_order: DateOrder,
    refused: &mut Vec<RefusedRow>,
) -> Vec<(Date, Cells<'a>)> {
    let mut dated = Vec::with_capacity(rows.len());
    for (written, cells) in rows {
        match date_order.date(written) {
            Ok(date) => dated.push((date, cells)),
            Err(reason) => {
                let location = RowLocation::Line { line: cells.line };
                refused.push(RefusedRow { location, date: None, reason });
            }
        }
    }
    dated
}

/// Refuses a file of which less than half is usable: its bars would not be a series.
fn check_usable(usable: usize, rows_total: usize, quality: &Quality) -> Result<(), FileFault> {
    if usable > 0 && quality.refused_total <= usable {
        return Ok(());
    }
    let first = quality.refused.iter().take(FIRST_ROWS_MAX).copied().collect();
    Err(FileFault::UnusableRows { refused_total: quality.refused_total, rows_total, first })
}

#[cfg(test)]
mod tests;
