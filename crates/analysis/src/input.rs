//! The input of an analysis: bars of one equity, its filings and news, and market data, as of one date.

use domain::{BarsView, DatedValues, Filing, NewsItem, PriceBasis, Symbol, Timeframe};

use crate::Span;

/// The market index for beta and alpha.
#[derive(Clone, Copy, Debug)]
pub struct Benchmark<'a> {
    /// Name of the index, such as `SPY`.
    pub name: &'a str,
    /// Daily simple returns by date.
    pub returns: &'a DatedValues,
}

/// Borrowed input of one analysis.
#[derive(Clone, Copy, Debug)]
pub struct AnalysisInput<'a> {
    /// The ticker.
    pub symbol: &'a Symbol,
    /// Time that one bar covers.
    pub timeframe: Timeframe,
    /// Adjusted bars, for computations.
    pub bars: BarsView<'a>,
    /// The same bars as traded, or as close to that as the source has them: for displayed price levels, and for comparison with
    /// filed per-share figures.
    pub raw: BarsView<'a>,
    /// What `bars` is adjusted for.
    pub price_basis: PriceBasis,
    /// What `raw` is adjusted for: nothing, unless the source has no bars as traded.
    pub raw_basis: PriceBasis,
    /// The market index, if its returns are known.
    pub benchmark: Option<Benchmark<'a>>,
    /// Annual risk-free rate by date, as a fraction (0.03 is 3 %).
    pub risk_free: Option<&'a DatedValues>,
    /// Filings in any order; those filed after the last bar do not count.
    pub filings: &'a [Filing],
    /// News in any order; `None` when no source of news is configured.
    pub news: Option<&'a [NewsItem]>,
    /// Current time, from which the age of news is measured, in seconds since 1970.
    pub now_unix_s: i64,
}

impl<'a> AnalysisInput<'a> {
    /// Daily bars adjusted for splits and dividends, and the same bars as traded, without any other data.
    #[must_use]
    pub fn daily(symbol: &'a Symbol, bars: BarsView<'a>, raw: BarsView<'a>) -> Self {
        Self {
            symbol,
            timeframe: Timeframe::Day,
            bars,
            raw,
            price_basis: PriceBasis::SplitDividend,
            raw_basis: PriceBasis::Raw,
            benchmark: None,
            risk_free: None,
            filings: &[],
            news: None,
            now_unix_s: 0,
        }
    }

    /// The span of all adjusted bars.
    pub(crate) fn span(&self) -> Span {
        Span::newest(self.bars, usize::MAX, self.price_basis)
    }
}
