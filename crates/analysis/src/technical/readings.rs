//! Every newest value that figures and votes are made of, each computed once.

use domain::BarsView;

use super::chains::{Directional, Emas, ObvTail, RsiTail, directional, emas, macd, obv, rsi};
use super::reading::Outcome;
use super::windows;
use crate::Absence;

/// Periods of the simple means of closes, ascending.
pub(crate) const SMA_PERIODS: [usize; 6] = [10, 20, 30, 50, 100, 200];

/// Bars by which Ichimoku's leading spans are drawn ahead.
const ICHIMOKU_AHEAD_BARS: usize = 26;

/// Ichimoku's lines as drawn at the newest bar.
pub(crate) struct Ichimoku {
    pub(crate) conversion: Outcome,
    pub(crate) base: Outcome,
    pub(crate) lead_a: Result<f64, Absence>,
    pub(crate) lead_b: Outcome,
}

/// Newest values over bars.
pub(crate) struct Readings<'a> {
    pub(crate) bars: BarsView<'a>,
    pub(crate) smas: [Outcome; SMA_PERIODS.len()],
    pub(crate) emas: Emas,
    pub(crate) rsi: RsiTail,
    pub(crate) macd: Result<[f64; 3], Absence>,
    pub(crate) bands: Result<windows::Bands, Absence>,
    pub(crate) directional: Directional,
    pub(crate) stochastic: (Outcome, Outcome),
    pub(crate) stochastic_rsi: (Outcome, Outcome),
    pub(crate) obv: ObvTail,
    pub(crate) mfi: Outcome,
    /// Newest, one bar before.
    pub(crate) cci: [Outcome; 2],
    /// Newest, one bar before.
    pub(crate) williams_r: [Outcome; 2],
    pub(crate) hull: Outcome,
    pub(crate) volume_weighted: Outcome,
    /// Newest, one and two bars before.
    pub(crate) awesome: [Outcome; 3],
    /// Newest, one bar before.
    pub(crate) momentum: [Outcome; 2],
    pub(crate) ultimate: Outcome,
    pub(crate) ichimoku: Ichimoku,
}

impl<'a> Readings<'a> {
    pub(crate) fn of(bars: BarsView<'a>) -> Self {
        let rsi = rsi(bars.close);
        Self {
            bars,
            smas: windows::smas(bars.close, SMA_PERIODS),
            emas: emas(bars.close),
            stochastic_rsi: windows::stochastic_rsi(rsi.all()),
            rsi,
            macd: macd(bars.close),
            bands: windows::bollinger(bars.close, 20),
            directional: directional(&bars),
            stochastic: windows::stochastic(&bars),
            obv: obv(bars.close, bars.volume),
            mfi: windows::mfi(&bars, 14),
            cci: [0, 1].map(|ago| windows::cci(&bars, 20, ago)),
            williams_r: [0, 1].map(|ago| windows::williams_r(&bars, 14, ago)),
            hull: windows::hull_9(bars.close),
            volume_weighted: windows::volume_weighted(&bars, 20),
            awesome: [0, 1, 2].map(|ago| windows::awesome(&bars, ago)),
            momentum: [0, 1].map(|ago| windows::momentum_10(bars.close, ago)),
            ultimate: windows::ultimate(&bars),
            ichimoku: ichimoku(&bars),
        }
    }

    /// The simple mean of `period` bars, which must be one of [`SMA_PERIODS`].
    pub(crate) fn sma(&self, period: usize) -> &Outcome {
        let at = SMA_PERIODS.iter().position(|candidate| *candidate == period);
        &self.smas[at.expect("only periods of the list are asked for")]
    }

    /// Newest close.
    pub(crate) fn close(&self) -> Result<f64, Absence> {
        self.bars.close.last().copied().ok_or(Absence::InsufficientHistory { need: 1, have: 0 })
    }
}

fn ichimoku(bars: &BarsView<'_>) -> Ichimoku {
    let ahead = ICHIMOKU_AHEAD_BARS;
    let lead_a = || {
        let (conversion, base) = (windows::middle(bars, 9, ahead)?, windows::middle(bars, 26, ahead)?);
        Ok((conversion.value + base.value) / 2.0)
    };
    Ichimoku {
        conversion: windows::middle(bars, 9, 0),
        base: windows::middle(bars, 26, 0),
        lead_a: lead_a(),
        lead_b: windows::middle(bars, 52, ahead),
    }
}
