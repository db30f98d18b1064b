//! Rolling indicators, whose newest value depends on a fixed number of bars only.
//!
//! `ago` is the number of bars before the newest one. Definitions are those of TA-Lib.

use domain::BarsView;

use super::mean;
use super::value::{IndicatorResult, IndicatorValue, enough};
use crate::Absence;
use crate::indicators::cci;

/// Relative differences up to this are rounding, not movement (TA-Lib's tolerance).
const FLAT_TOLERANCE: f64 = 1e-14;

/// The `bars` values that end `ago` before the newest.
fn window(values: &[f64], bars: usize, ago: usize) -> Result<&[f64], Absence> {
    enough(values.len(), bars + ago)?;
    let end = values.len() - ago;
    Ok(&values[end - bars..end])
}

/// Extremes are compared in this many lanes, because each comparison depends on the previous one.
const LANES: usize = 8;

fn highest(values: &[f64]) -> f64 {
    extreme(values, |most, value| if value > most { value } else { most })
}

fn lowest(values: &[f64]) -> f64 {
    extreme(values, |least, value| if value < least { value } else { least })
}

/// The value that wins every comparison; `values` must not be empty.
fn extreme(values: &[f64], winner: impl Fn(f64, f64) -> f64) -> f64 {
    let (rows, rest) = values.as_chunks::<LANES>();
    let mut best = [values[0]; LANES];
    for row in rows {
        for lane in 0..LANES {
            best[lane] = winner(best[lane], row[lane]);
        }
    }
    best.iter().chain(rest).fold(values[0], |best, value| winner(best, *value))
}

/// Simple means of closes for each of ascending `periods`, every close read once.
pub(crate) fn smas<const N: usize>(close: &[f64], periods: [usize; N]) -> [IndicatorResult; N] {
    let (mut total, mut summed) = (0.0, 0);
    periods.map(|period| {
        enough(close.len(), period)?;
        let end = close.len() - summed;
        total += close[close.len() - period..end].iter().sum::<f64>();
        summed = period;
        Ok(IndicatorValue::moving(total / period as f64))
    })
}

/// Bands around the mean of closes.
#[derive(Clone, Copy)]
pub(crate) struct Bands {
    pub(crate) upper: f64,
    pub(crate) middle: f64,
    pub(crate) lower: f64,
}

/// Mean of `bars` closes and two population deviations either side.
pub(crate) fn bollinger(close: &[f64], bars: usize) -> Result<Bands, Absence> {
    let window = window(close, bars, 0)?;
    // Measured from one close of the window, equal closes have no deviation at all and tiny ones lose no digits.
    let origin = window[0];
    let offset = window.iter().map(|price| price - origin).sum::<f64>() / bars as f64;
    let squares =
        window.iter().map(|price| (price - origin - offset) * (price - origin - offset)).sum::<f64>();
    let width = 2.0 * (squares / bars as f64).sqrt();
    let middle = mean(window);
    Ok(Bands { upper: middle + width, middle, lower: middle - width })
}

/// Position of the close in the range of `period` bars, 0 to 1; `None` when the range is within rounding.
fn position_in_range(bars: &BarsView<'_>, period: usize, ago: usize) -> Result<Option<f64>, Absence> {
    let high = highest(window(bars.high, period, ago)?);
    let low = lowest(window(bars.low, period, ago)?);
    let close = bars.close[bars.len() - 1 - ago];
    let is_flat = (high - low).abs() <= FLAT_TOLERANCE * (high.abs() + low.abs());
    Ok((!is_flat).then(|| (close - low) / (high - low)))
}

/// Stochastic 14/3/3: %K and %D.
pub(crate) fn stochastic(bars: &BarsView<'_>) -> (IndicatorResult, IndicatorResult) {
    const WINDOW: usize = 14;
    slow_stochastic(|ago| {
        enough(bars.len(), WINDOW + 4)?;
        position_in_range(bars, WINDOW, ago)
    })
}

/// %K is the mean of three positions, and %D the mean of three %K.
///
/// A flat window counts as 0, as in TA-Lib, and marks the means as flat.
fn slow_stochastic(
    position: impl Fn(usize) -> Result<Option<f64>, Absence>,
) -> (IndicatorResult, IndicatorResult) {
    let k = |ago: usize| {
        let positions = [position(ago)?, position(ago + 1)?, position(ago + 2)?];
        let total: f64 = positions.iter().flatten().sum();
        Ok(IndicatorValue { value: 100.0 * total / 3.0, is_flat: positions.contains(&None) })
    };
    let d = || {
        let (a, b, c) = (k(0)?, k(1)?, k(2)?);
        let value = (a.value + b.value + c.value) / 3.0;
        Ok(IndicatorValue { value, is_flat: a.is_flat || b.is_flat || c.is_flat })
    };
    (k(0), d())
}

/// Williams %R.
pub(crate) fn williams_r(bars: &BarsView<'_>, period: usize, ago: usize) -> IndicatorResult {
    Ok(match position_in_range(bars, period, ago)? {
        Some(position) => IndicatorValue::moving(100.0 * (position - 1.0)),
        None => IndicatorValue::flat(0.0),
    })
}

/// Stochastic RSI: %K and %D of the position of RSI in the range of its last 14 values.
pub(crate) fn stochastic_rsi(
    rsi: Result<&[IndicatorValue; 18], Absence>,
) -> (IndicatorResult, IndicatorResult) {
    const WINDOW: usize = 14;
    slow_stochastic(|ago| {
        let rsi = rsi?;
        let window = &rsi[rsi.len() - ago - WINDOW..rsi.len() - ago];
        let values = window.iter().map(|reading| reading.value);
        let (low, high) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        let is_flat =
            window.iter().any(|reading| reading.is_flat) || high - low <= FLAT_TOLERANCE * (high + low);
        Ok((!is_flat).then(|| (window[WINDOW - 1].value - low) / (high - low)))
    })
}

fn typical(bars: &BarsView<'_>, i: usize) -> f64 {
    cci::typical(bars.high[i], bars.low[i], bars.close[i])
}

/// Commodity channel index.
pub(crate) fn cci(bars: &BarsView<'_>, period: usize, ago: usize) -> IndicatorResult {
    enough(bars.len(), period + ago)?;
    let end = bars.len() - ago;
    let window = (end - period..end).map(|i| typical(bars, i));
    Ok(cci::window_index(window, period).map_or(IndicatorValue::flat(0.0), IndicatorValue::moving))
}

/// Money flow index; typical prices that are equal within 1e-14 do not count.
pub(crate) fn mfi(bars: &BarsView<'_>, period: usize) -> IndicatorResult {
    enough(bars.len(), period + 1)?;
    let first = bars.len() - period;
    let (mut rising, mut falling) = (0.0, 0.0);
    let mut before = typical(bars, first - 1);
    for i in first..bars.len() {
        let price = typical(bars, i);
        if (price - before).abs() > FLAT_TOLERANCE * (price.abs() + before.abs()) {
            let flow = price * bars.volume[i];
            if price > before { rising += flow } else { falling += flow }
        }
        before = price;
    }
    let total = rising + falling;
    Ok(if total > 0.0 { IndicatorValue::moving(100.0 * (rising / total)) } else { IndicatorValue::flat(0.0) })
}

/// Ultimate oscillator 7/14/28: buying pressure over true range, the shortest window with the largest weight.
pub(crate) fn ultimate(bars: &BarsView<'_>) -> IndicatorResult {
    enough(bars.len(), 29)?;
    let (mut pressure, mut range) = (0.0, 0.0);
    let mut out = IndicatorValue::moving(0.0);
    let mut next = bars.len();
    for (period, weight) in [(7, 4.0), (14, 2.0), (28, 1.0)] {
        while next > bars.len() - period {
            next -= 1;
            let floor = bars.low[next].min(bars.close[next - 1]);
            let top = bars.high[next].max(bars.close[next - 1]);
            pressure += bars.close[next] - floor;
            range += top - floor;
        }
        if range > 0.0 {
            out.value += weight * (pressure / range);
        } else {
            out.is_flat = true;
        }
    }
    Ok(IndicatorValue { value: 100.0 * out.value / 7.0, ..out })
}

/// Weighted mean of closes: the newest weighs `bars`, the oldest 1.
fn weighted(close: &[f64], bars: usize, ago: usize) -> Result<f64, Absence> {
    let window = window(close, bars, ago)?;
    let total: f64 = window.iter().zip(1..).map(|(price, weight)| price * f64::from(weight)).sum();
    Ok(total / (bars * (bars + 1) / 2) as f64)
}

/// Hull moving average of 9 bars: the weighted mean over 3 bars of twice the weighted mean over 4 less that over 9.
pub(crate) fn hull_9(close: &[f64]) -> IndicatorResult {
    enough(close.len(), 11)?;
    let raw = |ago: usize| Ok(2.0 * weighted(close, 4, ago)? - weighted(close, 9, ago)?);
    Ok(IndicatorValue::moving((3.0 * raw(0)? + 2.0 * raw(1)? + raw(2)?) / 6.0))
}

/// Mean of closes weighted by volume.
pub(crate) fn volume_weighted(bars: &BarsView<'_>, period: usize) -> IndicatorResult {
    let close = window(bars.close, period, 0)?;
    let volume = window(bars.volume, period, 0)?;
    let total: f64 = volume.iter().sum();
    if total <= 0.0 {
        return Err(Absence::DenominatorNotPositive { what: "volume" });
    }
    Ok(IndicatorValue::moving(
        close.iter().zip(volume).map(|(price, volume)| price * volume).sum::<f64>() / total,
    ))
}

/// Awesome oscillator: mean of the middle prices of 5 bars less that of 34.
pub(crate) fn awesome(bars: &BarsView<'_>, ago: usize) -> IndicatorResult {
    enough(bars.len(), 34 + ago)?;
    let end = bars.len() - ago;
    let middle = |from: usize| (from..end).map(|i| (bars.high[i] + bars.low[i]) / 2.0).sum::<f64>();
    Ok(IndicatorValue::moving(middle(end - 5) / 5.0 - middle(end - 34) / 34.0))
}

/// Close less the close ten bars before.
pub(crate) fn momentum_10(close: &[f64], ago: usize) -> IndicatorResult {
    window(close, 11, ago).map(|window| IndicatorValue::moving(window[10] - window[0]))
}

/// Middle of the range of `period` bars: an Ichimoku line.
pub(crate) fn middle(bars: &BarsView<'_>, period: usize, ago: usize) -> IndicatorResult {
    let high = highest(window(bars.high, period, ago)?);
    let low = lowest(window(bars.low, period, ago)?);
    Ok(IndicatorValue::moving((high + low) / 2.0))
}

/// Lowest low and highest high.
pub(crate) fn range(bars: &BarsView<'_>, period: usize) -> Result<(f64, f64), Absence> {
    Ok((lowest(window(bars.low, period, 0)?), highest(window(bars.high, period, 0)?)))
}

/// Newest volume over the mean of the `period` volumes before it.
pub(crate) fn volume_ratio(volume: &[f64], period: usize) -> IndicatorResult {
    let usual = mean(window(volume, period, 1)?);
    if usual <= 0.0 {
        return Err(Absence::DenominatorNotPositive { what: "mean volume" });
    }
    Ok(IndicatorValue::moving(volume[volume.len() - 1] / usual))
}
