//! Incremental indicators: each new bar gives its values without recomputing the series.

use domain::{BarsView, RawBar};
use ta_lib::{
    AdxStream, AtrStream, BbandsStream, Core, EmaStream, MAType, MacdStream, MfiStream, MinusDiStream,
    ObvStream, PlusDiStream, RetCode, RsiStream, SmaStream, StochStream, WillrStream,
};

use super::cci::CciState;
use super::{IndicatorSpec, OUTPUTS_MAX, lookback, output_names};

/// The state of an indicator after some bars. Values have the same bits as those of [`super::compute`] over the same bars.
#[derive(Clone, Debug)]
pub struct IndicatorState {
    stream: Stream,
    newest: [f64; OUTPUTS_MAX],
    outputs: usize,
}

#[derive(Clone, Debug)]
enum Stream {
    Sma(SmaStream),
    Ema(EmaStream),
    Rsi(RsiStream),
    Macd(MacdStream),
    Bbands(Box<BbandsStream>),
    Adx(AdxStream),
    PlusDi(PlusDiStream),
    MinusDi(MinusDiStream),
    Atr(AtrStream),
    Stoch(Box<StochStream>),
    Obv(ObvStream),
    Cci(CciState),
    Mfi(MfiStream),
    Willr(WillrStream),
}

impl IndicatorState {
    /// Starts `spec` on `bars`; `None` when there are too few for a first value.
    #[must_use]
    pub fn from_bars(spec: &IndicatorSpec, bars: &BarsView<'_>) -> Option<Self> {
        let core = Core::new();
        if bars.len() <= lookback(&core, spec) {
            return None;
        }
        let (stream, newest) = Stream::from_bars(&core, spec, bars).ok()?;
        Some(Self { stream, newest, outputs: output_names(spec).len() })
    }

    /// Adds the next bar, which must have passed [`domain::Bars::push`]. A bar that is not finite is ignored.
    pub fn append(&mut self, bar: &RawBar) -> &[f64] {
        let RawBar { date: _, open, high, low, close, volume } = *bar;
        if ![open, high, low, close, volume].iter().all(|value| value.is_finite()) {
            return self.newest();
        }
        if let Ok(newest) = self.stream.append(bar) {
            self.newest = newest;
        }
        self.newest()
    }

    /// One value for each output at the newest bar, in the order of [`super::IndicatorSeries::outputs`].
    #[must_use]
    pub fn newest(&self) -> &[f64] {
        &self.newest[..self.outputs]
    }
}

/// A stream and its values at the last bar.
type StreamStart = (Stream, [f64; OUTPUTS_MAX]);

fn one<S>(wrap: fn(S) -> Stream) -> impl FnOnce((S, f64)) -> StreamStart {
    move |(stream, value)| (wrap(stream), [value, 0.0, 0.0])
}

impl Stream {
    fn from_bars(core: &Core, spec: &IndicatorSpec, bars: &BarsView<'_>) -> Result<StreamStart, RetCode> {
        let BarsView { date: _, open: _, high, low, close, volume } = *bars;
        match *spec {
            IndicatorSpec::Sma(n) => core.sma_open(close, n.ta()).map(one(Self::Sma)),
            IndicatorSpec::Ema(n) => core.ema_open(close, n.ta()).map(one(Self::Ema)),
            IndicatorSpec::Rsi(n) => core.rsi_open(close, n.ta()).map(one(Self::Rsi)),
            IndicatorSpec::Macd { fast, slow, signal } => core
                .macd_open(close, fast.ta(), slow.ta(), signal.ta())
                .map(|(stream, (a, b, c))| (Self::Macd(stream), [a, b, c])),
            IndicatorSpec::Bbands { period, deviations } => core
                .bbands_open(close, period.ta(), deviations, deviations, MAType::SMA)
                .map(|(stream, (a, b, c))| (Self::Bbands(Box::new(stream)), [a, b, c])),
            IndicatorSpec::Adx(n) => core.adx_open(high, low, close, n.ta()).map(one(Self::Adx)),
            IndicatorSpec::PlusDi(n) => core.plus_di_open(high, low, close, n.ta()).map(one(Self::PlusDi)),
            IndicatorSpec::MinusDi(n) => core.minus_di_open(high, low, close, n.ta()).map(one(Self::MinusDi)),
            IndicatorSpec::Atr(n) => core.atr_open(high, low, close, n.ta()).map(one(Self::Atr)),
            IndicatorSpec::Stoch { fast_k, slow_k, slow_d } => core
                .stoch_open(high, low, close, fast_k.ta(), slow_k.ta(), MAType::SMA, slow_d.ta(), MAType::SMA)
                .map(|(stream, (a, b))| (Self::Stoch(Box::new(stream)), [a, b, 0.0])),
            IndicatorSpec::Obv => core.obv_open(close, volume).map(one(Self::Obv)),
            IndicatorSpec::Cci(n) => Ok(one(Self::Cci)(CciState::new(bars, n.bars()))),
            IndicatorSpec::Mfi(n) => core.mfi_open(high, low, close, volume, n.ta()).map(one(Self::Mfi)),
            IndicatorSpec::Willr(n) => core.willr_open(high, low, close, n.ta()).map(one(Self::Willr)),
        }
    }

    fn append(&mut self, bar: &RawBar) -> Result<[f64; OUTPUTS_MAX], RetCode> {
        let RawBar { date: _, open: _, high, low, close, volume } = *bar;
        let value = match self {
            Self::Macd(stream) => return stream.update(close).map(|(a, b, c)| [a, b, c]),
            Self::Bbands(stream) => return stream.update(close).map(|(a, b, c)| [a, b, c]),
            Self::Stoch(stream) => return stream.update(high, low, close).map(|(a, b)| [a, b, 0.0]),
            Self::Sma(stream) => stream.update(close),
            Self::Ema(stream) => stream.update(close),
            Self::Rsi(stream) => stream.update(close),
            Self::Adx(stream) => stream.update(high, low, close),
            Self::PlusDi(stream) => stream.update(high, low, close),
            Self::MinusDi(stream) => stream.update(high, low, close),
            Self::Atr(stream) => stream.update(high, low, close),
            Self::Obv(stream) => stream.update(close, volume),
            Self::Cci(state) => Ok(state.update(high, low, close)),
            Self::Mfi(stream) => stream.update(high, low, close, volume),
            Self::Willr(stream) => stream.update(high, low, close),
        };
        value.map(|value| [value, 0.0, 0.0])
    }
}
