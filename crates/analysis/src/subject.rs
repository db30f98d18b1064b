//! What is analysed: one equity's bars and everything known beside them, as of one date.

use domain::{BarsView, DatedValues, Filing, NewsItem, PriceBasis, Symbol, Timeframe};

use crate::Span;

/// The market that beta and alpha are measured against.
#[derive(Clone, Copy, Debug)]
pub struct Benchmark<'a> {
    /// Its name, such as `SPY`.
    pub name: &'a str,
    /// Daily simple returns by date.
    pub returns: &'a DatedValues,
}

/// Borrowed input of one analysis.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Whose bars.
    pub symbol: &'a Symbol,
    /// What one bar covers.
    pub timeframe: Timeframe,
    /// Adjusted bars to compute on.
    pub bars: BarsView<'a>,
    /// The same bars as traded, or as close to that as the source has them: levels shown to people, prices set against filed per-share figures.
    pub raw: BarsView<'a>,
    /// What `bars` is adjusted for.
    pub price_basis: PriceBasis,
    /// What `raw` is adjusted for: nothing, unless the source has no bars as traded.
    pub raw_basis: PriceBasis,
    /// The market, where its returns are known.
    pub benchmark: Option<Benchmark<'a>>,
    /// Annual risk-free rate by date, as a fraction (0.03 is 3 %).
    pub risk_free: Option<&'a DatedValues>,
    /// Filings in any order; those filed after the last bar do not count.
    pub filings: &'a [Filing],
    /// News in any order; `None` when no source of news is configured.
    pub news: Option<&'a [NewsItem]>,
    /// Instant that recency of news is measured from, in seconds since 1970.
    pub now_unix_s: i64,
}

impl Subject<'_> {
    /// All its adjusted bars, as the provenance of a figure that uses every one.
    #[must_use]
    pub fn span(&self) -> Span {
        Span {
            bars_used: self.bars.len(),
            first_date: self.bars.date.first().copied(),
            last_date: self.bars.date.last().copied(),
            price_basis: self.price_basis,
        }
    }
}
