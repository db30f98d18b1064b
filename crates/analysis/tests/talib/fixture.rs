//! Loads the packed columns of `tests/fixtures/talib/make.py`, and compares columns.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use analysis::AnalysisInput;
use analysis::technical::{Technical, technical};
use domain::{Bars, BarsView, Date, History, RawBar};

pub(crate) const SYMBOLS: [&str; 3] = ["AAPL", "MSFT", "IBM"];

/// Largest allowed relative difference, `|a - b| / max(1, |a|)`.
pub(crate) const TOLERANCE: f64 = 1e-9;

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/talib");

/// Adjusted bars of one symbol and TA-Lib's values for them.
pub(crate) struct Fixture {
    history: History,
    reals: BTreeMap<String, Vec<f64>>,
    integers: BTreeMap<String, Vec<i32>>,
}

/// First difference of two columns.
#[derive(Debug, PartialEq)]
pub(crate) enum Disagreement {
    /// One column is longer.
    Length,
    /// Only one column has a value.
    Presence { bar: usize },
    /// Values differ by more than the tolerance.
    Value { bar: usize },
}

/// First difference of more than `tolerance` relative to `max(1, |expected|)`.
pub(crate) fn disagreement(expected: &[f64], actual: &[f64], tolerance: f64) -> Option<Disagreement> {
    if expected.len() != actual.len() {
        return Some(Disagreement::Length);
    }
    expected.iter().zip(actual).enumerate().find_map(|(bar, (expected, actual))| {
        match (expected.is_nan(), actual.is_nan()) {
            (true, true) => None,
            (false, false) => {
                let error = (expected - actual).abs() / expected.abs().max(1.0);
                // Infinities give an error of NaN, which is a difference.
                (error.is_nan() || error > tolerance).then_some(Disagreement::Value { bar })
            }
            _ => Some(Disagreement::Presence { bar }),
        }
    })
}

impl Fixture {
    pub(crate) fn load(symbol: &str) -> Self {
        let columns = std::fs::read_to_string(Path::new(DIRECTORY).join("columns.txt")).unwrap();
        let file = std::fs::File::open(Path::new(DIRECTORY).join(format!("{symbol}.gz"))).unwrap();
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).unwrap();

        let kinds: Vec<(&str, &str)> = columns.lines().map(|line| line.split_once(' ').unwrap()).collect();
        let bytes_per_bar: usize = kinds.iter().map(|(kind, _)| width(kind)).sum();
        let bars = bytes.len() / bytes_per_bar;
        assert_eq!(bars * bytes_per_bar, bytes.len(), "columns.txt and {symbol}.gz belong together");

        let (mut reals, mut integers) = (BTreeMap::new(), BTreeMap::new());
        let mut rest = bytes.as_slice();
        for (kind, name) in kinds {
            let (planes, after) = rest.split_at(bars * width(kind));
            rest = after;
            let words = (0..bars).map(|bar| word(planes, bars, bar));
            if width(kind) == 8 {
                reals.insert(name.to_owned(), words.map(f64::from_bits).collect());
            } else {
                let signed = words.map(|word| sign_extended(word, width(kind)));
                integers.insert(name.to_owned(), signed.collect());
            }
        }
        Self { history: history(symbol, &reals, &integers), reals, integers }
    }

    pub(crate) fn bars(&self) -> BarsView<'_> {
        self.history.adjusted().view()
    }

    /// The oldest `bars` adjusted bars.
    pub(crate) fn first(&self, bars: usize) -> BarsView<'_> {
        self.bars().range(0..bars)
    }

    /// An input with the oldest `bars` bars.
    pub(crate) fn input(&self, bars: usize) -> AnalysisInput<'_> {
        let raw = self.history.raw().view().range(0..bars);
        AnalysisInput::daily(self.history.symbol(), self.first(bars), raw)
    }

    pub(crate) fn len(&self) -> usize {
        self.bars().len()
    }

    pub(crate) fn reals(&self, name: &str) -> &[f64] {
        self.reals.get(name).unwrap_or_else(|| panic!("no column {name}"))
    }

    pub(crate) fn integers(&self, name: &str) -> &[i32] {
        self.integers.get(name).unwrap_or_else(|| panic!("no column {name}"))
    }
}

/// The technical analysis of adjusted bars alone.
pub(crate) fn analysis(bars: &Bars) -> Technical {
    technical(&AnalysisInput::daily(&"ANY".parse().unwrap(), bars.view(), bars.view()))
}

/// Raw bars and factors of the file, adjusted as in production.
fn history(
    symbol: &str,
    reals: &BTreeMap<String, Vec<f64>>,
    integers: &BTreeMap<String, Vec<i32>>,
) -> History {
    let (raw, refused) = Bars::from_raw((0..integers["date"].len()).map(|i| RawBar {
        date: Date::from_days(integers["date"][i]).unwrap(),
        open: reals["open"][i],
        high: reals["high"][i],
        low: reals["low"][i],
        close: reals["close"][i],
        volume: reals["volume"][i],
    }));
    assert!(refused.is_empty());
    let factor: Vec<f64> =
        reals["adj_close"].iter().zip(&reals["close"]).map(|(adj, close)| adj / close).collect();
    History::adjusted_by(symbol.parse().unwrap(), raw, &factor, &reals["shares_factor"])
}

fn width(kind: &str) -> usize {
    match kind {
        "input" | "exact" | "series" => 8,
        "day" => 4,
        "pattern" => 2,
        "vote" => 1,
        other => panic!("unknown kind of column {other}"),
    }
}

/// The little-endian word of `bar`, its bytes `bars` apart.
fn word(planes: &[u8], bars: usize, bar: usize) -> u64 {
    planes.chunks(bars).enumerate().map(|(byte, plane)| u64::from(plane[bar]) << (8 * byte)).sum()
}

fn sign_extended(word: u64, bytes: usize) -> i32 {
    let unused = 64 - 8 * bytes as u32;
    ((word << unused) as i64 >> unused) as i32
}
