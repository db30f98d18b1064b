//! Loads the bundled sample, for tests and for the trainer; `crates/market-data/sample/make.py` describes the format.

use domain::{Bars, Date, DatedValues, History, RawBar, Symbol};

/// Bars of each symbol.
pub(crate) const FILES: [(&str, &[u8]); 5] = [
    ("AAPL", include_bytes!("../../../market-data/sample/AAPL.bars")),
    ("FB", include_bytes!("../../../market-data/sample/FB.bars")),
    ("GOOG", include_bytes!("../../../market-data/sample/GOOG.bars")),
    ("IBM", include_bytes!("../../../market-data/sample/IBM.bars")),
    ("MSFT", include_bytes!("../../../market-data/sample/MSFT.bars")),
];
/// Returns of SPY.
pub(crate) const MARKET: &[u8] = include_bytes!("../../../market-data/sample/spy_returns.bin");
/// Three-month Treasury rate.
pub(crate) const RATE: &[u8] = include_bytes!("../../../market-data/sample/treasury_3_month.bin");

/// Two-for-one splits: volume before the date counts twice.
const SPLITS: [(&str, &str); 3] = [("AAPL", "2000-06-21"), ("AAPL", "2005-02-28"), ("MSFT", "2003-02-18")];

/// All five histories, adjusted for splits and dividends.
pub(crate) fn histories() -> Vec<History> {
    FILES.iter().map(|(symbol, bytes)| history(symbol, bytes)).collect()
}

/// Daily total returns of SPY.
pub(crate) fn market() -> DatedValues {
    dated(MARKET)
}

/// Annual three-month Treasury rate.
pub(crate) fn rate() -> DatedValues {
    dated(RATE)
}

fn history(name: &str, bytes: &[u8]) -> History {
    let count = count(bytes);
    let dates = dates(bytes);
    let column = |at: usize| bytes[4 + 4 * count * at..].chunks_exact(4).take(count).map(word);
    let price = |at: usize| -> Vec<f64> { column(at).map(|units| f64::from(units) / 10_000.0).collect() };
    let (open, high, low, close) = (price(1), price(2), price(3), price(4));
    let volume: Vec<f64> = column(5).map(f64::from).collect();
    let adjusted = doubles(&bytes[4 + 4 * count * 6..], count);
    let factor: Vec<f64> = adjusted.iter().zip(&close).map(|(adjusted, close)| adjusted / close).collect();
    let shares: Vec<f64> = dates.iter().map(|date| shares_now(name, *date)).collect();
    let raw = (0..count).map(|i| RawBar {
        date: dates[i],
        open: open[i],
        high: high[i],
        low: low[i],
        close: close[i],
        volume: volume[i],
    });
    let (raw, refused) = Bars::from_raw(raw);
    assert_eq!(refused, []);
    let symbol: Symbol = name.parse().unwrap();
    History::adjusted_by(symbol, raw, &factor, &shares)
}

/// Number of shares at the end of the sample for one share on `date`.
fn shares_now(name: &str, date: Date) -> f64 {
    let later = SPLITS.iter().filter(|(symbol, day)| *symbol == name && date < day.parse().unwrap());
    later.fold(1.0, |shares, _| shares * 2.0)
}

fn dated(bytes: &[u8]) -> DatedValues {
    let count = count(bytes);
    DatedValues::from_pairs(dates(bytes).into_iter().zip(doubles(&bytes[4 + 4 * count..], count)))
}

fn count(bytes: &[u8]) -> usize {
    word(&bytes[..4]) as usize
}

fn dates(bytes: &[u8]) -> Vec<Date> {
    let days = bytes[4..].chunks_exact(4).take(count(bytes));
    days.map(|day| Date::from_days(word(day).cast_signed()).unwrap()).collect()
}

fn doubles(bytes: &[u8], count: usize) -> Vec<f64> {
    let eight = |chunk: &[u8]| f64::from_le_bytes(chunk.try_into().unwrap());
    bytes.chunks_exact(8).take(count).map(eight).collect()
}

fn word(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes.try_into().unwrap())
}
