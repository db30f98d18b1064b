//! The sources whose exports have columns of their own, and what is known of their prices.

use csv::StringRecord;
use domain::PriceBasis;

/// What is known of a source's files.
#[derive(Debug, PartialEq)]
pub(super) struct Layout {
    /// `None`: no source is recognized.
    pub(super) source: Option<&'static str>,
    /// Columns that, all together, no other source has.
    marks: &'static [&'static str],
    /// Dates such as 01/02/2024 begin with the month.
    pub(super) is_month_first: bool,
    /// Volumes such as 82.49M.
    has_volume_suffixes: bool,
    /// What open, high, low and close are adjusted for.
    pub(super) basis: PriceBasis,
    /// A limit of its data.
    pub(super) note: Option<&'static str>,
}

const PLAIN: Layout = Layout {
    source: None,
    marks: &[],
    is_month_first: false,
    has_volume_suffixes: false,
    basis: PriceBasis::Raw,
    note: None,
};

const YAHOO: Layout = Layout { source: Some("Yahoo Finance"), basis: PriceBasis::Split, ..PLAIN };

/// The first whose marks are all in the header is used.
static LAYOUTS: [Layout; 10] = [
    Layout { marks: &["Adj Close"], ..YAHOO },
    Layout {
        marks: &["Dividends", "Stock Splits"],
        note: Some(
            "yfinance adjusts prices for dividends unless auto_adjust was off: without Adj Close the file does not tell",
        ),
        ..YAHOO
    },
    Layout {
        source: Some("Investing.com"),
        marks: &["Price", "Vol.", "Change %"],
        has_volume_suffixes: true,
        note: Some("volume is rounded by the source"),
        ..PLAIN
    },
    Layout { source: Some("Nasdaq"), marks: &["Close/Last"], is_month_first: true, ..PLAIN },
    Layout { source: Some("Stooq"), marks: &["<TICKER>", "<PER>", "<DATE>"], ..PLAIN },
    Layout { source: Some("Tiingo"), marks: &["adjClose", "splitFactor"], ..PLAIN },
    Layout { source: Some("Alpha Vantage"), marks: &["adjusted_close", "split_coefficient"], ..PLAIN },
    Layout { source: Some("Alpaca"), marks: &["trade_count", "vwap"], ..PLAIN },
    Layout { source: Some("Polygon"), marks: &["window_start", "transactions"], ..PLAIN },
    Layout { source: Some("Polygon"), marks: &["vwap", "transactions"], ..PLAIN },
];

static UNKNOWN: Layout = PLAIN;

/// Largest change of adjusted close / close in a day that a dividend explains; splits change it by 5/4 and more.
const DIVIDEND_FACTOR_MAX: f64 = 1.2;

impl Layout {
    pub(super) fn of_header(header: &StringRecord) -> &'static Self {
        let has = |mark: &&str| header.iter().any(|name| name == *mark);
        LAYOUTS.iter().find(|layout| layout.marks.iter().all(has)).unwrap_or(&UNKNOWN)
    }

    /// This layout, unless its closes should be adjusted for splits and one of them jumps where the adjusted close does not.
    pub(super) fn of_closes(&'static self, closes: &[f64], adj_closes: &[f64]) -> &'static Self {
        let is_split = |(close, adjusted): (&[f64], &[f64])| {
            let (close, adjusted) = ((close[1] / close[0]).ln(), (adjusted[1] / adjusted[0]).ln());
            (close - adjusted).abs() > DIVIDEND_FACTOR_MAX.ln() && adjusted.abs() < close.abs()
        };
        match self.basis {
            PriceBasis::Split if closes.windows(2).zip(adj_closes.windows(2)).any(is_split) => &UNKNOWN,
            PriceBasis::Split | PriceBasis::Raw | PriceBasis::SplitDividend => self,
        }
    }

    /// A volume's digits, and what they are multiplied by.
    pub(super) fn volume<'a>(&self, text: &'a str) -> (&'a str, f64) {
        let scales = [('K', 1e3), ('M', 1e6), ('B', 1e9)];
        let scaled = scales.into_iter().filter(|_| self.has_volume_suffixes);
        let mut found = scaled.filter_map(|(suffix, scale)| Some((text.strip_suffix(suffix)?, scale)));
        found.next().unwrap_or((text, 1.0))
    }
}
