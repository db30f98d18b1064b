//! Which column of a file holds what, by the names in its header.

use std::collections::BTreeMap;

use csv::StringRecord;
use domain::Symbol;

use super::layout::Layout;
use super::table::Table;
use crate::RowFault;
use crate::file_fault::{FileFault, excerpt};

/// What a column may hold.
#[derive(Clone, Copy, Debug, PartialEq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
enum Field {
    Date,
    Open,
    High,
    Low,
    Close,
    Volume,
    AdjClose,
    /// New shares for one old share, on the first day at the new price.
    Split,
    Time,
    Symbol,
}

/// The names of such columns, in lower case and without blanks and punctuation. Every bar needs the first six.
const NAMES: [(Field, &[&str]); 10] = [
    (Field::Date, &["date", "timestamp", "datetime", "windowstart", "t", "data"]),
    (Field::Open, &["open", "o", "otwarcie"]),
    (Field::High, &["high", "h", "najwyzszy"]),
    (Field::Low, &["low", "l", "najnizszy"]),
    (Field::Close, &["close", "c", "closelast", "price", "zamkniecie"]),
    (Field::Volume, &["volume", "v", "vol", "wolumen"]),
    (Field::AdjClose, &["adjclose", "adjustedclose"]),
    (Field::Split, &["splitfactor", "splitcoefficient"]),
    (Field::Time, &["time"]),
    (Field::Symbol, &["ticker", "symbol"]),
];
const REQUIRED_FIELDS: usize = 6;
/// Stooq's name of the market of a ticker in the United States.
const HOME_MARKET: &str = ".US";

pub(super) struct Columns {
    /// By [`Field`].
    at: [Option<usize>; NAMES.len()],
    /// How many cells a row has.
    width: usize,
}

/// The cells of one row, as they are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cells<'a> {
    /// Where the row begins in the file.
    pub(super) line: usize,
    pub(super) date: &'a str,
    pub(super) time: Option<&'a str>,
    /// Open, high, low and close.
    pub(super) prices: [&'a str; 4],
    pub(super) volume: &'a str,
    pub(super) adj_close: Option<&'a str>,
    pub(super) split: Option<&'a str>,
}

impl Columns {
    pub(super) fn from_header(header: &StringRecord) -> Result<Self, FileFault> {
        let mut at: [Option<usize>; NAMES.len()] = [None; NAMES.len()];
        for (position, name) in header.iter().enumerate() {
            let Some(field) = field(name) else { continue };
            if let Some(first) = at[field as usize].replace(position) {
                let (first, second) = (excerpt(&header[first]), excerpt(name));
                return Err(FileFault::RepeatedColumn { field: field.into(), first, second });
            }
        }
        let is_unnamed = header.get(0).is_some_and(str::is_empty);
        if at[Field::Date as usize].is_none() {
            // pandas leaves the index of a table unnamed; some charts call the date of a bar its time.
            at[Field::Date as usize] = at[Field::Time as usize].take().or(is_unnamed.then_some(0));
        }
        let required = NAMES.iter().take(REQUIRED_FIELDS);
        let missing = required.filter(|(field, _)| at[*field as usize].is_none());
        let missing: Vec<&str> = missing.map(|(field, _)| (*field).into()).collect();
        if missing.is_empty() {
            return Ok(Self { at, width: header.len() });
        }
        let header = excerpt(&header.iter().collect::<Vec<_>>().join(","));
        Err(FileFault::MissingColumns { missing, header })
    }

    /// Refuses a file with rows, or with a line of tickers, of another symbol.
    pub(super) fn check_symbol(&self, table: &Table, symbol: Symbol) -> Result<(), FileFault> {
        let at = self.at[Field::Symbol as usize];
        let in_rows = table.rows.iter().filter_map(|(_, row)| row.as_ref().ok()?.get(at?));
        let in_line = table.symbols.iter().flat_map(|line| line.iter().skip(1));
        match in_line.chain(in_rows).find(|ticker| !is_of(ticker, symbol)) {
            Some(other) => Err(FileFault::OtherSymbol { found: excerpt(other) }),
            None => Ok(()),
        }
    }

    pub(super) fn cells<'a>(&self, line: usize, record: &'a StringRecord) -> Result<Cells<'a>, RowFault> {
        if record.len() != self.width {
            return Err(RowFault::FieldCount);
        }
        let optional = |field: Field| record.get(self.at[field as usize]?);
        let required = |field| optional(field).ok_or(RowFault::FieldCount);
        Ok(Cells {
            line,
            date: required(Field::Date)?,
            time: optional(Field::Time),
            prices: [
                required(Field::Open)?,
                required(Field::High)?,
                required(Field::Low)?,
                required(Field::Close)?,
            ],
            volume: required(Field::Volume)?,
            adj_close: optional(Field::AdjClose),
            split: optional(Field::Split),
        })
    }

    /// The name of the column of each field, and the names of the others.
    pub(super) fn names(&self, header: &StringRecord) -> (BTreeMap<&'static str, String>, Vec<String>) {
        let used = NAMES.iter().filter_map(|(field, _)| Some((*field, self.at[*field as usize]?)));
        let used = used.map(|(field, at)| (field.into(), excerpt(&header[at]))).collect();
        let others = (0..header.len()).filter(|at| !self.at.contains(&Some(*at)));
        (used, others.map(|at| excerpt(&header[at])).collect())
    }
}

impl<'a> Cells<'a> {
    /// Every number, without a suffix.
    pub(super) fn numbers(self, layout: &Layout) -> impl Iterator<Item = &'a str> {
        let volume = layout.volume(self.volume).0;
        self.prices.into_iter().chain([volume]).chain(self.adj_close).chain(self.split)
    }
}

fn field(name: &str) -> Option<Field> {
    let letters = name.chars().filter(|letter| letter.is_alphanumeric());
    let normalized: String = letters.flat_map(char::to_lowercase).collect();
    match name {
        // In one response of Polygon, `T` is the ticker and `t` the time.
        "T" => Some(Field::Symbol),
        _ => NAMES.iter().find(|(_, names)| names.contains(&&*normalized)).map(|(field, _)| *field),
    }
}

/// Whether a ticker in a file is the symbol in its name: `BRK-B` is `BRK.B`, and `AAPL.US` is `AAPL`, but no class is another.
fn is_of(ticker: &str, symbol: Symbol) -> bool {
    let normalized = |text: &str| -> Option<Symbol> {
        let text = text.replace(['-', '/', ' '], ".");
        let is_home = text.len() > HOME_MARKET.len() && text.to_uppercase().ends_with(HOME_MARKET);
        text.get(..text.len() - if is_home { HOME_MARKET.len() } else { 0 })?.parse().ok()
    };
    match (normalized(ticker), normalized(symbol.as_str())) {
        (Some(ticker), Some(symbol)) => ticker.resolve([symbol]).is_ok(),
        _ => false,
    }
}
