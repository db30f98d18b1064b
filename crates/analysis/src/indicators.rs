//! Full series of technical indicators by name and parameters, as defined by TA-Lib 0.8.
//!
//! Bars before the first value have none; nothing is guessed. [`crate::technical`] computes the newest values alone faster.

pub(crate) mod cci;
mod spec;
mod state;

use domain::BarsView;
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};
use ta_lib::{Core, MAType, OutRange, RetCode};
use utoipa::ToSchema;

pub use spec::{DEVIATIONS_MAX, IndicatorSpec, PERIOD_BARS_MAX, Period, SPECS_MAX, SpecError};
pub use state::IndicatorState;

use crate::Absence;

/// Most outputs of one indicator: the three of MACD and Bollinger.
pub(crate) const OUTPUTS_MAX: usize = 3;

/// One output of an indicator: a value for every bar from `lookback` on.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    name: &'static str,
    bars: usize,
    values: Vec<f64>,
}

/// The series of one indicator.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct IndicatorSeries {
    /// Name and every parameter, such as `macd:12:26:9`.
    #[schema(example = "rsi:14")]
    pub indicator: String,
    /// Definition of the indicator.
    #[schema(value_type = String)]
    pub definition: &'static str,
    /// Number of bars before the first value.
    pub lookback: usize,
    /// Number of bars.
    pub bars: usize,
    /// Whether no price moved over all bars, so that the values are only conventions of the definition.
    pub flat: bool,
    /// Why there is no value at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub reason: Option<Absence>,
    /// Outputs by name, each with a number or null for every bar.
    #[serde(serialize_with = "by_name")]
    #[schema(value_type = std::collections::BTreeMap<String, Vec<Option<f64>>>)]
    pub outputs: Vec<Output>,
}

impl Output {
    /// The output's name, such as `signal`; `value` when there is only one.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Value at bar `i` from 0, if there is one.
    #[must_use]
    pub fn at(&self, i: usize) -> Option<f64> {
        let before = self.bars - self.values.len();
        i.checked_sub(before).and_then(|at| self.values.get(at)).copied().filter(|value| value.is_finite())
    }
}

impl Serialize for Output {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_seq(Some(self.bars))?;
        for i in 0..self.bars {
            out.serialize_element(&self.at(i))?;
        }
        out.end()
    }
}

fn by_name<S: Serializer>(outputs: &[Output], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(outputs.iter().map(|output| (output.name, output)))
}

/// Computes `spec` over `bars`.
///
/// The value at bar `i` depends only on bars `0..=i`, and has the same bits however many bars follow.
///
/// # Example
/// ```
/// # use analysis::indicators::{compute, IndicatorSpec};
/// # let bars = domain::Bars::default();
/// let spec: IndicatorSpec = "rsi:14".parse()?;
/// let series = compute(&spec, &bars.view());
/// assert_eq!(series.outputs[0].at(0), None); // the first value of RSI 14 is at bar 14
/// # Ok::<(), analysis::indicators::SpecError>(())
/// ```
#[must_use]
pub fn compute(spec: &IndicatorSpec, bars: &BarsView<'_>) -> IndicatorSeries {
    let core = Core::new();
    let lookback = lookback(&core, spec);
    let have = bars.len();
    let count = have.saturating_sub(lookback);
    let outputs = match have.checked_sub(1) {
        Some(last) if count > 0 => columns(&core, spec, bars, last, count),
        _ => Vec::new(),
    };
    let names = output_names(spec);
    let mut outputs = outputs.into_iter();
    IndicatorSeries {
        indicator: spec.to_string(),
        definition: spec.definition(),
        lookback,
        bars: have,
        flat: is_flat(bars),
        reason: (count == 0).then_some(Absence::InsufficientHistory { need: lookback + 1, have }),
        outputs: names
            .iter()
            .map(|name| Output { name, bars: have, values: outputs.next().unwrap_or_default() })
            .collect(),
    }
}

/// Whether all prices are equal.
fn is_flat(bars: &BarsView<'_>) -> bool {
    let Some(price) = bars.close.first() else { return false };
    bars.high.iter().chain(bars.low).all(|other| other == price)
}

fn output_names(spec: &IndicatorSpec) -> &'static [&'static str] {
    match spec {
        IndicatorSpec::Macd { .. } => &["macd", "signal", "histogram"],
        IndicatorSpec::Bbands { .. } => &["upper", "middle", "lower"],
        IndicatorSpec::Stoch { .. } => &["k", "d"],
        IndicatorSpec::Sma(_)
        | IndicatorSpec::Ema(_)
        | IndicatorSpec::Rsi(_)
        | IndicatorSpec::Adx(_)
        | IndicatorSpec::PlusDi(_)
        | IndicatorSpec::MinusDi(_)
        | IndicatorSpec::Atr(_)
        | IndicatorSpec::Obv
        | IndicatorSpec::Cci(_)
        | IndicatorSpec::Mfi(_)
        | IndicatorSpec::Willr(_) => &["value"],
    }
}

/// Number of bars before the first value.
fn lookback(core: &Core, spec: &IndicatorSpec) -> usize {
    match spec {
        IndicatorSpec::Sma(n) => core.sma_lookback(n.ta()),
        IndicatorSpec::Ema(n) => core.ema_lookback(n.ta()),
        IndicatorSpec::Rsi(n) => core.rsi_lookback(n.ta()),
        IndicatorSpec::Macd { fast, slow, signal } => core.macd_lookback(fast.ta(), slow.ta(), signal.ta()),
        IndicatorSpec::Bbands { period, deviations } => {
            core.bbands_lookback(period.ta(), *deviations, *deviations, MAType::SMA)
        }
        IndicatorSpec::Adx(n) => core.adx_lookback(n.ta()),
        IndicatorSpec::PlusDi(n) => core.plus_di_lookback(n.ta()),
        IndicatorSpec::MinusDi(n) => core.minus_di_lookback(n.ta()),
        IndicatorSpec::Atr(n) => core.atr_lookback(n.ta()),
        IndicatorSpec::Stoch { fast_k, slow_k, slow_d } => {
            core.stoch_lookback(fast_k.ta(), slow_k.ta(), MAType::SMA, slow_d.ta(), MAType::SMA)
        }
        IndicatorSpec::Obv => core.obv_lookback(),
        IndicatorSpec::Cci(n) => core.cci_lookback(n.ta()),
        IndicatorSpec::Mfi(n) => core.mfi_lookback(n.ta()),
        IndicatorSpec::Willr(n) => core.willr_lookback(n.ta()),
    }
    .expect("a spec's periods are within TA-Lib's bounds")
}

/// The `count` values of each output up to bar `last`.
fn columns(
    core: &Core,
    spec: &IndicatorSpec,
    bars: &BarsView<'_>,
    last: usize,
    count: usize,
) -> Vec<Vec<f64>> {
    if let IndicatorSpec::Cci(n) = spec {
        return vec![cci::series(bars, n.bars())];
    }
    let mut out = vec![vec![0.0; count]; output_names(spec).len()];
    let range = fill(core, spec, bars, last, &mut out).expect("a spec's periods are within TA-Lib's bounds");
    debug_assert_eq!(range.count, count, "{spec} writes one value for each bar past its lookback");
    out
}

fn fill(
    core: &Core,
    spec: &IndicatorSpec,
    bars: &BarsView<'_>,
    last: usize,
    out: &mut [Vec<f64>],
) -> Result<OutRange, RetCode> {
    let BarsView { date: _, open: _, high, low, close, volume } = *bars;
    match (*spec, out) {
        (IndicatorSpec::Sma(n), [a]) => core.sma(0, last, close, n.ta(), a),
        (IndicatorSpec::Ema(n), [a]) => core.ema(0, last, close, n.ta(), a),
        (IndicatorSpec::Rsi(n), [a]) => core.rsi(0, last, close, n.ta(), a),
        (IndicatorSpec::Macd { fast, slow, signal }, [a, b, c]) => {
            core.macd(0, last, close, fast.ta(), slow.ta(), signal.ta(), a, b, c)
        }
        (IndicatorSpec::Bbands { period, deviations }, [a, b, c]) => {
            core.bbands(0, last, close, period.ta(), deviations, deviations, MAType::SMA, a, b, c)
        }
        (IndicatorSpec::Adx(n), [a]) => core.adx(0, last, high, low, close, n.ta(), a),
        (IndicatorSpec::PlusDi(n), [a]) => core.plus_di(0, last, high, low, close, n.ta(), a),
        (IndicatorSpec::MinusDi(n), [a]) => core.minus_di(0, last, high, low, close, n.ta(), a),
        (IndicatorSpec::Atr(n), [a]) => core.atr(0, last, high, low, close, n.ta(), a),
        (IndicatorSpec::Stoch { fast_k, slow_k, slow_d }, [a, b]) => {
            let sma = MAType::SMA;
            core.stoch(0, last, high, low, close, fast_k.ta(), slow_k.ta(), sma, slow_d.ta(), sma, a, b)
        }
        (IndicatorSpec::Obv, [a]) => core.obv(0, last, close, volume, a),
        (IndicatorSpec::Mfi(n), [a]) => core.mfi(0, last, high, low, close, volume, n.ta(), a),
        (IndicatorSpec::Willr(n), [a]) => core.willr(0, last, high, low, close, n.ta(), a),
        _ => Err(RetCode::BadParam),
    }
}
