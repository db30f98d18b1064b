//! The newest value of every indicator that figures and votes use, each computed once.

mod recursive;
pub(crate) mod rolling;
mod value;

use domain::BarsView;

use crate::Absence;
pub use recursive::RecursiveIndicators;
pub(crate) use value::{IndicatorResult, IndicatorValue, enough, votable};

/// Periods of the simple means of closes, ascending.
pub(crate) const SMA_PERIODS: [usize; 6] = [10, 20, 30, 50, 100, 200];

/// Bars by which the leading spans of Ichimoku are drawn ahead.
const ICHIMOKU_AHEAD_BARS: usize = 26;

/// Lines of Ichimoku as drawn at the newest bar.
pub(crate) struct Ichimoku {
    pub(crate) conversion: IndicatorResult,
    pub(crate) base: IndicatorResult,
    pub(crate) lead_a: Result<f64, Absence>,
    pub(crate) lead_b: IndicatorResult,
}

/// Newest value of each indicator over `bars`.
pub(crate) struct LatestIndicators<'a> {
    pub(crate) bars: BarsView<'a>,
    pub(crate) recursive: &'a RecursiveIndicators,
    pub(crate) smas: [IndicatorResult; SMA_PERIODS.len()],
    pub(crate) bands: Result<rolling::Bands, Absence>,
    pub(crate) stochastic: (IndicatorResult, IndicatorResult),
    pub(crate) stochastic_rsi: (IndicatorResult, IndicatorResult),
    pub(crate) mfi: IndicatorResult,
    /// Newest, one bar before.
    pub(crate) cci: [IndicatorResult; 2],
    /// Newest, one bar before.
    pub(crate) williams_r: [IndicatorResult; 2],
    pub(crate) hull: IndicatorResult,
    pub(crate) volume_weighted: IndicatorResult,
    /// Newest, one and two bars before.
    pub(crate) awesome: [IndicatorResult; 3],
    /// Newest, one bar before.
    pub(crate) momentum: [IndicatorResult; 2],
    pub(crate) ultimate: IndicatorResult,
    pub(crate) ichimoku: Ichimoku,
}

impl<'a> LatestIndicators<'a> {
    /// `recursive` must be those of `bars`.
    pub(crate) fn new(bars: BarsView<'a>, recursive: &'a RecursiveIndicators) -> Self {
        Self {
            bars,
            recursive,
            smas: rolling::smas(bars.close, SMA_PERIODS),
            stochastic_rsi: rolling::stochastic_rsi(recursive.rsi.all()),
            bands: rolling::bollinger(bars.close, 20),
            stochastic: rolling::stochastic(&bars),
            mfi: rolling::mfi(&bars, 14),
            cci: [0, 1].map(|ago| rolling::cci(&bars, 20, ago)),
            williams_r: [0, 1].map(|ago| rolling::williams_r(&bars, 14, ago)),
            hull: rolling::hull_9(bars.close),
            volume_weighted: rolling::volume_weighted(&bars, 20),
            awesome: [0, 1, 2].map(|ago| rolling::awesome(&bars, ago)),
            momentum: [0, 1].map(|ago| rolling::momentum_10(bars.close, ago)),
            ultimate: rolling::ultimate(&bars),
            ichimoku: ichimoku(&bars),
        }
    }

    /// The simple mean of `period` bars, which must be one of [`SMA_PERIODS`].
    pub(crate) fn sma(&self, period: usize) -> &IndicatorResult {
        let at = SMA_PERIODS.iter().position(|candidate| *candidate == period);
        &self.smas[at.expect("callers use periods of the list only")]
    }

    /// Newest close.
    pub(crate) fn close(&self) -> Result<f64, Absence> {
        self.bars.close.last().copied().ok_or(Absence::InsufficientHistory { need: 1, have: 0 })
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn ichimoku(bars: &BarsView<'_>) -> Ichimoku {
    let ahead = ICHIMOKU_AHEAD_BARS;
    let lead_a = || {
        let (conversion, base) = (rolling::middle(bars, 9, ahead)?, rolling::middle(bars, 26, ahead)?);
        Ok((conversion.value + base.value) / 2.0)
    };
    Ichimoku {
        conversion: rolling::middle(bars, 9, 0),
        base: rolling::middle(bars, 26, 0),
        lead_a: lead_a(),
        lead_b: rolling::middle(bars, 52, ahead),
    }
}
