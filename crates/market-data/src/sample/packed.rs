//! Reads the packed columns that `sample/make.py` writes; that script states the layout.

use domain::{Date, DatedValues, RawBar};

/// Prices are stored as a count of this part of a dollar.
const UNITS_PER_DOLLAR: f64 = 10_000.0;

/// Columns of equal length.
struct Columns<'a> {
    count: usize,
    rest: &'a [u8],
}

impl<'a> Columns<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let (count, rest) = bytes.split_first_chunk::<4>().expect("a packed file begins with its row count");
        Self { count: u32::from_le_bytes(*count) as usize, rest }
    }

    fn next<const WIDTH: usize>(&mut self) -> impl Iterator<Item = [u8; WIDTH]> + use<'a, WIDTH> {
        let (column, rest) = self.rest.split_at(self.count * WIDTH);
        self.rest = rest;
        column.as_chunks::<WIDTH>().0.iter().copied()
    }

    fn dates(&mut self) -> impl Iterator<Item = Date> + use<'a> {
        self.next::<4>().map(|bytes| {
            Date::from_days(i32::from_le_bytes(bytes)).expect("bundled dates are from 2000 to 2013")
        })
    }

    fn integers(&mut self) -> impl Iterator<Item = f64> + use<'a> {
        self.next::<4>().map(|bytes| f64::from(u32::from_le_bytes(bytes)))
    }

    /// Both numbers of the division are exact, so the quotient is the float nearest to the decimal price.
    fn prices(&mut self) -> impl Iterator<Item = f64> + use<'a> {
        self.integers().map(|units| units / UNITS_PER_DOLLAR)
    }

    fn floats(&mut self) -> impl Iterator<Item = f64> + use<'a> {
        self.next::<8>().map(f64::from_le_bytes)
    }
}

/// Bars as traded, each with the source's adjusted close.
pub(super) fn bars(bytes: &[u8]) -> Vec<(RawBar, f64)> {
    let mut columns = Columns::new(bytes);
    let dates = columns.dates();
    let (opens, highs, lows, closes) =
        (columns.prices(), columns.prices(), columns.prices(), columns.prices());
    let (volumes, adjusted) = (columns.integers(), columns.floats());
    dates
        .zip(opens.zip(highs))
        .zip(lows.zip(closes))
        .zip(volumes.zip(adjusted))
        .map(|(((date, (open, high)), (low, close)), (volume, adjusted_close))| {
            (RawBar { date, open, high, low, close, volume }, adjusted_close)
        })
        .collect()
}

/// Values by date.
pub(super) fn series(bytes: &[u8]) -> DatedValues {
    let mut columns = Columns::new(bytes);
    let dates = columns.dates();
    DatedValues::from_pairs(dates.zip(columns.floats()))
}
