//! The commodity channel index as defined by TA-Lib, computed for sixteen bars at a time.
//!
//! Every bar needs two sums over its window, in which each addition depends on the previous one. Sums of different bars are
//! independent, so that computing them side by side is about four times faster. Each bar adds up its own window from the
//! oldest price to the newest, so that its bits depend on that window only.

use std::collections::VecDeque;

use domain::BarsView;

/// Bars computed together: eight registers of two floats.
const LANES: usize = 16;
/// Lambert's constant, which scales most values to between -100 and 100.
const SCALE: f64 = 0.015;
/// Relative deviations up to this are rounding, not movement (TA-Lib's tolerance).
const FLAT_TOLERANCE: f64 = 1e-14;

/// Middle of a bar: the mean of high, low and close.
pub(crate) fn typical(high: f64, low: f64, close: f64) -> f64 {
    (high + low + close) / 3.0
}

/// The index from the newest typical price, and the mean and mean absolute deviation of its window; `None` when the window
/// is flat.
fn index(newest: f64, mean: f64, deviation: f64) -> Option<f64> {
    let tolerance = FLAT_TOLERANCE * mean.abs();
    let offset = newest - mean;
    if deviation <= tolerance || SCALE * deviation == 0.0 {
        return None;
    }
    // A newest price at the mean gives 0.
    Some(if offset.abs() <= tolerance { 0.0 } else { offset / (SCALE * deviation) })
}

/// The index of one window of typical prices, oldest first.
pub(crate) fn window_index(
    typical: impl DoubleEndedIterator<Item = f64> + Clone,
    period: usize,
) -> Option<f64> {
    let newest = typical.clone().next_back()?;
    let mean = typical.clone().fold(0.0, |sum, price| sum + price) / period as f64;
    let deviation = typical.fold(0.0, |sum, price| sum + (price - mean).abs()) / period as f64;
    index(newest, mean, deviation)
}

/// One value for each bar from bar `period - 1` on; 0 where the window is flat, as in TA-Lib.
pub(super) fn series(bars: &BarsView<'_>, period: usize) -> Vec<f64> {
    let Some(count) = (bars.len() + 1).checked_sub(period) else { return Vec::new() };
    let prices = bars.high.iter().zip(bars.low).zip(bars.close);
    let mut padded = Vec::with_capacity(bars.len() + LANES);
    padded.extend(prices.map(|((high, low), close)| typical(*high, *low, *close)));
    // The last lanes read past the newest bar, and their values are dropped.
    padded.resize(bars.len() + LANES, 0.0);
    let mut out = Vec::with_capacity(count + LANES);
    for first in (0..count).step_by(LANES) {
        out.extend_from_slice(&side_by_side(&padded[first..first + period - 1 + LANES], period));
    }
    out.truncate(count);
    out
}

/// The index of `LANES` windows of `period` prices that begin at successive bars.
fn side_by_side(typical: &[f64], period: usize) -> [f64; LANES] {
    let mut mean = [0.0; LANES];
    for prices in typical.array_windows::<LANES>() {
        for lane in 0..LANES {
            mean[lane] += prices[lane];
        }
    }
    mean = mean.map(|sum| sum / period as f64);
    let mut deviation = [0.0; LANES];
    for prices in typical.array_windows::<LANES>() {
        for lane in 0..LANES {
            deviation[lane] += (prices[lane] - mean[lane]).abs();
        }
    }
    let newest = &typical[period - 1..];
    std::array::from_fn(|lane| {
        index(newest[lane], mean[lane], deviation[lane] / period as f64).unwrap_or(0.0)
    })
}

/// The typical prices of the last window.
#[derive(Clone, Debug)]
pub(super) struct CciState {
    window: VecDeque<f64>,
}

impl CciState {
    /// Starts on at least `period` bars, and returns the value at the last one.
    pub(super) fn new(bars: &BarsView<'_>, period: usize) -> (Self, f64) {
        let newest = (bars.len() - period..bars.len())
            .map(|i| typical(bars.high[i], bars.low[i], bars.close[i]))
            .collect();
        let state = Self { window: newest };
        let value = state.value();
        (state, value)
    }

    pub(super) fn update(&mut self, high: f64, low: f64, close: f64) -> f64 {
        self.window.pop_front();
        self.window.push_back(typical(high, low, close));
        self.value()
    }

    fn value(&self) -> f64 {
        window_index(self.window.iter().copied(), self.window.len()).unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Bars, Date, RawBar};

    #[test]
    fn a_window_worked_by_hand() {
        // Mean 2, mean absolute deviation 2/3: (3 - 2) / (0.015 * 2/3) = 100.
        let index = window_index([1.0, 2.0, 3.0].into_iter(), 3).unwrap();
        assert!((index - 100.0).abs() < 1e-12, "{index}");
        assert_eq!(window_index([1.0, 3.0, 2.0].into_iter(), 3), Some(0.0));
        assert_eq!(window_index([0.1; 20].into_iter(), 20), None);
    }

    #[test]
    fn side_by_side_has_the_bits_of_one_by_one() {
        let raw = (0..100).map(|day| {
            let close = 10.0 + f64::from(day * day % 37) / 7.0;
            let date = Date::from_days(day).unwrap();
            RawBar { date, open: close, high: close + 0.3, low: close - 0.1, close, volume: 1.0 }
        });
        let (bars, _) = Bars::from_raw(raw);
        let bars = bars.view();
        for period in [2, 16, 20, 99, 100, 101] {
            let values = series(&bars, period);
            assert_eq!(values.len(), 101_usize.saturating_sub(period));
            for (at, value) in values.iter().enumerate() {
                let window = (at..at + period).map(|i| typical(bars.high[i], bars.low[i], bars.close[i]));
                assert_eq!(
                    value.to_bits(),
                    window_index(window, period).unwrap_or(0.0).to_bits(),
                    "{period}"
                );
            }
        }
    }
}
