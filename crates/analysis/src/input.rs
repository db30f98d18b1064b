//! The input of an analysis: bars of one equity, its filings and news, and market data, as of one date.

use domain::{BarsView, Date, DatedValues, Filing, NewsItem, PriceBasis, Symbol, Timeframe, VolumeBasis};

use crate::{DroppedRows, RecursiveIndicators, Span};

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
    /// Adjusted bars, for computations: all that are known up to the newest.
    pub bars: BarsView<'a>,
    /// Position in `bars` of the first bar of the window. Return and risk are those of the window; whatever is a property of the
    /// newest bar, such as an indicator or a forecast, is computed from all bars, so that it is the same for every window.
    pub window_start: usize,
    /// The recursive indicators of `bars`, if they are known already.
    pub indicators: Option<&'a RecursiveIndicators>,
    /// What `bars` is adjusted for.
    pub price_basis: PriceBasis,
    /// What the volumes of `bars` are adjusted for.
    pub volume_basis: VolumeBasis,
    /// Rows that were left out of `bars`.
    pub dropped: DroppedRows<'a>,
    /// Daily bars, if they are known, for displayed price levels of a year: adjusted for splits, so that prices before and after
    /// one compare.
    pub levels: BarsView<'a>,
    /// What `levels` is adjusted for.
    pub levels_basis: PriceBasis,
    /// Adjusted daily bars up to the newest, for the forecasts; `None` if only bars of another timeframe are known.
    pub daily: Option<BarsView<'a>>,
    /// Newest close as traded, or as close to that as the source has it.
    pub traded_close: Option<f64>,
    /// Shares at the newest bar for one share at each bar of `levels`; empty if the source does not tell.
    pub shares: &'a [f64],
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
    /// Daily bars adjusted for splits and dividends, and the same bars as traded, without any other data. The window is all bars.
    #[must_use]
    pub fn daily(symbol: &'a Symbol, bars: BarsView<'a>, raw: BarsView<'a>) -> Self {
        Self {
            symbol,
            timeframe: Timeframe::Day,
            bars,
            window_start: 0,
            indicators: None,
            price_basis: PriceBasis::SplitDividend,
            volume_basis: VolumeBasis::Split,
            dropped: DroppedRows::default(),
            levels: bars,
            levels_basis: PriceBasis::SplitDividend,
            daily: Some(bars),
            traded_close: raw.close.last().copied(),
            shares: &[],
            benchmark: None,
            risk_free: None,
            filings: &[],
            news: None,
            now_unix_s: 0,
        }
    }

    /// The bars of the window.
    pub(crate) fn window(&self) -> BarsView<'a> {
        self.bars.from(self.window_start)
    }

    /// The newest `bars_max` bars of the window or before it.
    pub(crate) fn newest(&self, bars_max: usize) -> Span {
        Span::newest(self.bars, bars_max, self.price_basis, self.dropped)
    }

    /// The newest `bars_max` daily bars; none if daily bars are not known.
    pub(crate) fn newest_daily(&self, bars_max: usize) -> Span {
        let daily = self.daily.unwrap_or(self.bars.range(0..0));
        Span::newest(daily, bars_max, self.price_basis, self.dropped)
    }

    /// Shares at the newest bar for one share on `date`.
    pub(crate) fn shares_since(&self, date: Date) -> f64 {
        self.shares.get(self.levels.position_since(date)).copied().unwrap_or(1.0)
    }
}
