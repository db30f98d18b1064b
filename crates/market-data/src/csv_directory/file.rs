//! One file: its stamp, its bytes up to a bound, its rows.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use domain::{Bars, History, PriceBasis, RawBar, RefusedBar, Symbol};

use super::row::{self, Columns, Row};
use super::{DATA_SOURCE, FILE_BYTES_MAX, ROWS_MAX, failure};
use crate::error::FIRST_ROWS_MAX;
use crate::{AbsentPart, Error, Fault, Freshness, Part, Quality, RowFault, RowLocation, Snapshot};

/// Noted of every file with an adjusted close: it gives prices, not shares.
const VOLUME_NOTE: &str = "volume is as given: an adjusted close does not separate splits from dividends";
/// Noted of every file without one.
const RAW_NOTE: &str = "without adj_close, splits and dividends appear as price moves";

/// Changes when the file does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    size_bytes: u64,
    modified_at: Option<SystemTime>,
}

/// The state of a regular file; anything else counts as not found, so that a pipe cannot block the reader.
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

/// Why no bar is left: the file has no row, or none that is usable, of which the first are named.
fn without_bars(quality: &Quality) -> Fault {
    match quality.refused_total {
        0 => Fault::NoBars,
        refused_total => Fault::NoUsableRow {
            refused_total,
            first: quality.refused.iter().take(FIRST_ROWS_MAX).copied().collect(),
        },
    }
}

/// The file's bytes, one more than the bound at most.
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Lines end in LF or CRLF; one byte order mark before the header is skipped; a blank line is a row without its fields.
fn history(bytes: &[u8], symbol: Symbol, quality: &mut Quality) -> Result<History, Fault> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let mut lines = bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let columns = lines.next().and_then(Columns::from_header).ok_or(Fault::Header)?;
    let mut rows = AcceptedRows::default();
    for (position, line) in lines.enumerate() {
        if position == ROWS_MAX {
            return Err(Fault::TooManyRows { limit_rows: ROWS_MAX });
        }
        match row::parse(line, columns) {
            Ok(row) => rows.push(row, position, quality),
            Err(fault) => quality.refuse(location(position), row::date(line), fault),
        }
    }
    Ok(rows.into_history(symbol, columns, quality))
}

/// The header is line 1.
fn location(position: usize) -> RowLocation {
    RowLocation::Line { line: position + 2 }
}

#[derive(Default)]
struct AcceptedRows {
    bars: Bars,
    price_factors: Vec<f64>,
    refused: Vec<RefusedBar>,
}

impl AcceptedRows {
    fn push(&mut self, Row { bar, adjusted_close }: Row, position: usize, quality: &mut Quality) {
        let RawBar { date, close, .. } = bar;
        match self.bars.push(bar) {
            Ok(()) => self.price_factors.push(adjusted_close.map_or(1.0, |adjusted| adjusted / close)),
            Err(reason) => {
                quality.refuse(location(position), Some(date), RowFault::Bar(reason));
                self.refused.push(RefusedBar { position, date, reason });
            }
        }
    }

    fn into_history(self, symbol: Symbol, columns: Columns, quality: &mut Quality) -> History {
        let Self { bars, price_factors, refused } = self;
        match columns {
            Columns::Plain => {
                quality.notes.push(RAW_NOTE);
                History::unadjusted(symbol, bars, PriceBasis::Raw, refused)
            }
            Columns::WithAdjustedClose => {
                quality.notes.push(VOLUME_NOTE);
                let volume_factors = vec![1.0; bars.len()];
                History::adjusted_by(symbol, bars, &price_factors, &volume_factors, refused)
            }
        }
    }
}
