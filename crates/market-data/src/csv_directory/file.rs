//! Reads and parses one file.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use domain::{Bars, History, PriceBasis, RawBar, Symbol};

use super::row::{self, Header, Row};
use super::{DATA_SOURCE, FILE_BYTES_MAX, ROWS_MAX, failure};
use crate::error::FIRST_ROWS_MAX;
use crate::{AbsentPart, Error, Fault, Freshness, Part, Quality, RowFault, RowLocation, Snapshot};

/// Note for files with an adjusted close, which applies to prices and not to shares.
const VOLUME_NOTE: &str = "volume is as given: an adjusted close does not separate splits from dividends";
/// Note for files without an adjusted close.
const RAW_NOTE: &str = "without adj_close, splits and dividends appear as price moves";

/// Changes with the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    size_bytes: u64,
    modified_at: Option<SystemTime>,
}

/// The stamp of a regular file; other files count as not found, so that a pipe cannot block the reader.
pub(super) fn stamp(path: &Path) -> io::Result<Stamp> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok(Stamp { size_bytes: metadata.len(), modified_at: metadata.modified().ok() })
}

pub(super) fn snapshot(path: &Path, symbol: Symbol, now_unix_ms: i64) -> Result<Arc<Snapshot>, Error> {
    let bytes = bytes(path).map_err(|error| failure(symbol, &error))?;
    let bad = |fault| Error::BadData { symbol, fault };
    if bytes.len() > FILE_BYTES_MAX {
        return Err(bad(Fault::TooLarge { limit_bytes: FILE_BYTES_MAX }));
    }
    let mut quality = Quality::default();
    let history = history(&bytes, symbol, &mut quality).map_err(bad)?;
    let as_of = history.as_of().ok_or_else(|| bad(without_bars(&quality)))?;
    let missing = [Part::Details, Part::Financials, Part::News].map(|part| AbsentPart { part, error: None });
    Ok(Arc::new(Snapshot {
        version: Snapshot::compute_version(&history, None, &[], None, &missing),
        history: Arc::new(history),
        name: None,
        filings: Arc::new([]),
        news: None,
        missing: missing.into(),
        quality: Arc::new(quality),
        data_source: DATA_SOURCE,
        as_of,
        fetched_at_unix_ms: Some(now_unix_ms),
        freshness: Freshness::Fresh,
    }))
}

/// The file has no row, or no usable row; the first rows are listed.
fn without_bars(quality: &Quality) -> Fault {
    match quality.refused_total {
        0 => Fault::NoBars,
        refused_total => Fault::NoUsableRow {
            refused_total,
            first: quality.refused.iter().take(FIRST_ROWS_MAX).copied().collect(),
        },
    }
}

/// The bytes of the file, at most one more than the bound.
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Lines end in LF or CRLF. A byte order mark before the header is skipped. A blank line is a refused row.
fn history(bytes: &[u8], symbol: Symbol, quality: &mut Quality) -> Result<History, Fault> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let mut lines = bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let header = lines.next().and_then(Header::from_header).ok_or(Fault::Header)?;
    let mut rows = AcceptedRows::default();
    for (position, line) in lines.enumerate() {
        if position == ROWS_MAX {
            return Err(Fault::TooManyRows { limit_rows: ROWS_MAX });
        }
        match row::parse(line, header) {
            Ok(row) => rows.push(row, position, quality),
            Err(fault) => quality.refuse(location(position), row::date(line), fault),
        }
    }
    Ok(rows.into_history(symbol, header, quality))
}

/// The header is line 1.
fn location(position: usize) -> RowLocation {
    RowLocation::Line { line: position + 2 }
}

#[derive(Default)]
struct AcceptedRows {
    bars: Bars,
    price_factors: Vec<f64>,
}

impl AcceptedRows {
    fn push(&mut self, Row { bar, adjusted_close }: Row, position: usize, quality: &mut Quality) {
        let RawBar { date, close, .. } = bar;
        match self.bars.push(bar) {
            Ok(()) => self.price_factors.push(adjusted_close.map_or(1.0, |adjusted| adjusted / close)),
            Err(reason) => quality.refuse(location(position), Some(date), RowFault::Bar(reason)),
        }
    }

    fn into_history(self, symbol: Symbol, header: Header, quality: &mut Quality) -> History {
        let Self { bars, price_factors } = self;
        match header {
            Header::Plain => {
                quality.notes.push(RAW_NOTE);
                History::unadjusted(symbol, bars, PriceBasis::Raw)
            }
            Header::WithAdjustedClose => {
                quality.notes.push(VOLUME_NOTE);
                let volume_factors = vec![1.0; bars.len()];
                History::adjusted_by(symbol, bars, &price_factors, &volume_factors)
            }
        }
    }
}
