//! Splits a file into a header and rows of cells.

use csv::{ByteRecord, Position, ReaderBuilder, StringRecord, Trim};

use super::ROWS_MAX;
use crate::RowFault;
use crate::file_fault::FileFault;

/// Longest row: thirteen columns of [`super::numbers::NUMBER_BYTES_MAX`] fit.
const ROW_BYTES_MAX: usize = 512;
/// What separates cells, the usual one first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

pub(super) struct Table {
    pub(super) delimiter: u8,
    pub(super) header: StringRecord,
    /// Below the names of columns, the symbol of each: pandas writes it there for a table of several symbols.
    pub(super) symbols: Option<StringRecord>,
    /// Each row with its line in the file, from 1. Blank lines are none.
    pub(super) rows: Vec<(usize, Result<StringRecord, RowFault>)>,
}

impl Table {
    /// Lines end in LF, CRLF or CR. A byte order mark before the header is skipped. A cell may not span lines: an unclosed quote would
    /// take the rows below it.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, FileFault> {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        // The other marks are those of UTF-16.
        if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
            return Err(FileFault::Encoding);
        }
        let (delimiter, bytes) = named_delimiter(bytes).unwrap_or_else(|| (delimiter(bytes), bytes));
        // Reading from memory does not fail.
        let mut records = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(Trim::All)
            .delimiter(delimiter)
            .from_reader(bytes)
            .into_byte_records()
            .map_while(Result::ok);
        let header = records.next().ok_or(FileFault::Empty)?;
        check_lines(&header, 1)?;
        let header = StringRecord::from_byte_record(header).map_err(|_| FileFault::Encoding)?;
        let mut rows = Vec::new();
        for record in records {
            if rows.len() == ROWS_MAX {
                return Err(FileFault::TooManyRows { limit_rows: ROWS_MAX });
            }
            let line = record.position().map_or(0, |position| line(bytes, position));
            check_lines(&record, line)?;
            let row = match record.as_slice().len() {
                0..=ROW_BYTES_MAX => StringRecord::from_byte_record(record).map_err(|_| RowFault::NotUtf8),
                _ => Err(RowFault::TooLong),
            };
            rows.push((line, row));
        }
        Ok(Self { delimiter, header, symbols: None, rows }.without_column_levels())
    }

    /// Takes the two lines out that pandas writes below the header for a table of several symbols: `Ticker,AAPL,…` and `Date,,…`.
    fn without_column_levels(mut self) -> Self {
        let is_level = |name: &str, at: usize| {
            let cells = self.rows.get(at).and_then(|(_, row)| row.as_ref().ok());
            cells.is_some_and(|cells| cells.get(0) == Some(name))
        };
        if self.header.get(0) == Some("Price") && is_level("Ticker", 0) && is_level("Date", 1) {
            self.symbols = self.rows.drain(..2).next().and_then(|(_, row)| row.ok());
            let names = self.header.iter().skip(1);
            self.header = std::iter::once("Date").chain(names).collect();
        }
        self
    }
}

fn check_lines(record: &ByteRecord, line: usize) -> Result<(), FileFault> {
    match record.as_slice().iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
        true => Err(FileFault::LineBreak { line }),
        false => Ok(()),
    }
}

/// The line of a record. Its position is that of the blank lines before it, which are skipped.
fn line(bytes: &[u8], position: &Position) -> usize {
    let start = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let rest = bytes.get(start..).unwrap_or_default();
    let blank =
        rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).filter(|byte| **byte == b'\n').count();
    usize::try_from(position.line()).unwrap_or(usize::MAX).saturating_add(blank)
}

/// The separator of a first line such as `sep=;`, as spreadsheets write it, and the bytes from its line break on.
fn named_delimiter(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (delimiter, rest) = bytes.strip_prefix(b"sep=")?.split_first()?;
    (DELIMITERS.contains(delimiter) && matches!(rest, [b'\n' | b'\r', ..])).then_some((*delimiter, rest))
}

/// The one of the delimiters that is most frequent in the first line, outside quotes.
fn delimiter(bytes: &[u8]) -> u8 {
    let mut lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r'));
    let header = lines.find(|line| !line.is_empty()).unwrap_or_default();
    let unquoted = || header.split(|byte| *byte == b'"').step_by(2).flatten();
    let count = |delimiter: &u8| unquoted().filter(|byte| *byte == delimiter).count();
    let most = DELIMITERS.iter().map(count).max().unwrap_or_default();
    DELIMITERS.into_iter().find(|delimiter| count(delimiter) == most).unwrap_or(b',')
}
