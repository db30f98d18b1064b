//! Price bars in columns: open, high, low, close and volume by date.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{Date, Timeframe};

/// One unchecked bar from a vendor or a file.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RawBar {
    /// Exchange date on which the bar begins.
    pub date: Date,
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
    /// Shares traded.
    pub volume: f64,
}

/// Largest volume of a bar, in shares: above that of any market, and small enough that no sum over a history overflows.
pub const VOLUME_SHARES_MAX: f64 = 1e18;

/// Largest relative difference of two prices of a bar that counts as none: above the error of 32-bit floats (6e-8) in which some
/// sources compute, and below a cent at 10,000.
pub const PRICE_TOLERANCE: f64 = 1e-6;

/// Why a bar is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum BarDefect {
    /// A field is NaN or infinite.
    NotFinite,
    /// A price is zero or negative.
    NotPositive,
    /// The high is below, or the low above, another price of the bar, by more than [`PRICE_TOLERANCE`].
    Inconsistent,
    /// The volume is negative.
    NegativeVolume,
    /// The volume is above [`VOLUME_SHARES_MAX`].
    VolumeTooLarge,
    /// The same bar was given before; the first one is used.
    DuplicateDate,
    /// Bars of this date differ; none of them is used.
    ConflictingDate,
}

/// A refused bar and its position in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedBar {
    /// Position in the input, from 0.
    pub position: usize,
    /// Date of the bar.
    pub date: Date,
    /// Why it is refused.
    pub reason: BarDefect,
}

/// Bars in strictly ascending date order: finite positive prices, `low <= open, close <= high`, volume from
/// 0 to [`VOLUME_SHARES_MAX`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bars {
    date: Vec<Date>,
    open: Vec<f64>,
    high: Vec<f64>,
    low: Vec<f64>,
    close: Vec<f64>,
    volume: Vec<f64>,
}

/// Borrowed columns of equal length, with the guarantees of [`Bars`].
#[derive(Clone, Copy, Debug)]
pub struct BarsView<'a> {
    /// Exchange dates, strictly ascending.
    pub date: &'a [Date],
    /// First prices.
    pub open: &'a [f64],
    /// Highest prices.
    pub high: &'a [f64],
    /// Lowest prices.
    pub low: &'a [f64],
    /// Last prices.
    pub close: &'a [f64],
    /// Volumes.
    pub volume: &'a [f64],
}

impl Bars {
    /// Keeps the valid bars, in the order of their dates, and lists the others by their position. Nothing is guessed: of
    /// different bars of one date, none is used.
    #[must_use]
    pub fn from_raw(raw: impl IntoIterator<Item = RawBar>) -> (Self, Vec<RefusedBar>) {
        let mut given: Vec<(usize, RawBar)> = raw.into_iter().enumerate().collect();
        given.sort_by_key(|(_, bar)| bar.date);
        let (mut bars, mut refused) = (Self::default(), Vec::new());
        for of_one_date in given.chunk_by(|(_, one), (_, next)| one.date == next.date) {
            let mut valid: Vec<(usize, RawBar)> = Vec::with_capacity(1);
            let mut refuse = |position, date, reason| refused.push(RefusedBar { position, date, reason });
            for (position, bar) in of_one_date {
                match validated(*bar) {
                    Ok(bar) => valid.push((*position, bar)),
                    Err(reason) => refuse(*position, bar.date, reason),
                }
            }
            let is_one_bar = valid.windows(2).all(|pair| pair[0].1 == pair[1].1);
            let (used, reason) = match is_one_bar {
                true => (valid.len().min(1), BarDefect::DuplicateDate),
                false => (0, BarDefect::ConflictingDate),
            };
            valid[..used].iter().for_each(|(_, bar)| bars.append(*bar));
            valid[used..].iter().for_each(|(position, bar)| refuse(*position, bar.date, reason));
        }
        refused.sort_by_key(|bar| bar.position);
        (bars, refused)
    }

    fn append(&mut self, bar: RawBar) {
        let RawBar { date, open, high, low, close, volume } = bar;
        self.date.push(date);
        self.open.push(open);
        self.high.push(high);
        self.low.push(low);
        self.close.push(close);
        self.volume.push(volume);
    }

    /// All bars.
    #[must_use]
    pub fn view(&self) -> BarsView<'_> {
        BarsView {
            date: &self.date,
            open: &self.open,
            high: &self.high,
            low: &self.low,
            close: &self.close,
            volume: &self.volume,
        }
    }

    /// Number of bars.
    #[must_use]
    pub fn len(&self) -> usize {
        self.date.len()
    }

    /// Whether there is no bar.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.date.is_empty()
    }

    /// Multiplies every price of bar `i` by `price[i]` and its volume by `volume[i]`.
    ///
    /// # Panics
    /// When a factor column is shorter than the bars.
    #[must_use]
    pub fn scaled(&self, price: &[f64], volume: &[f64]) -> Self {
        assert!(price.len() >= self.len() && volume.len() >= self.len(), "one factor for each bar");
        let times = |column: &[f64], factor: &[f64]| -> Vec<f64> {
            column.iter().zip(factor).map(|(value, factor)| value * factor).collect()
        };
        Self {
            date: self.date.clone(),
            open: times(&self.open, price),
            high: times(&self.high, price),
            low: times(&self.low, price),
            close: times(&self.close, price),
            volume: times(&self.volume, volume),
        }
    }
}

impl<'a> BarsView<'a> {
    /// Number of bars.
    #[must_use]
    pub fn len(&self) -> usize {
        self.date.len()
    }

    /// Whether there is no bar.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.date.is_empty()
    }

    /// The bars from position `start` on.
    #[must_use]
    pub fn from(&self, start: usize) -> Self {
        self.range(start.min(self.len())..self.len())
    }

    /// The bars at these positions.
    ///
    /// # Panics
    /// When there are fewer bars.
    #[must_use]
    pub fn range(&self, positions: Range<usize>) -> Self {
        let Range { start, end } = positions;
        Self {
            date: &self.date[start..end],
            open: &self.open[start..end],
            high: &self.high[start..end],
            low: &self.low[start..end],
            close: &self.close[start..end],
            volume: &self.volume[start..end],
        }
    }

    /// The bar at position `i`.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn bar(&self, i: usize) -> RawBar {
        RawBar {
            date: self.date[i],
            open: self.open[i],
            high: self.high[i],
            low: self.low[i],
            close: self.close[i],
            volume: self.volume[i],
        }
    }

    /// Position of the first bar on or after `date`; the length when there is none.
    #[must_use]
    pub fn position_since(&self, date: Date) -> usize {
        self.date.partition_point(|at| *at < date)
    }

    /// The same bars grouped by week or month: first open, highest high, lowest low, last close, summed volume, dated
    /// by the first bar of the group. Daily bars are copied.
    #[must_use]
    pub fn resampled(&self, timeframe: Timeframe) -> Bars {
        let group = |date: Date| match timeframe {
            Timeframe::Day => (0, date.days()),
            Timeframe::Week => {
                let (year, week) = date.iso_week();
                (i32::from(year), i32::from(week))
            }
            Timeframe::Month => {
                let (year, month, _) = date.ymd();
                (i32::from(year), i32::from(month))
            }
        };
        let mut out = Bars::default();
        let mut current = None;
        for i in 0..self.len() {
            let key = group(self.date[i]);
            match out.date.len().checked_sub(1) {
                Some(last) if current == Some(key) => {
                    out.high[last] = out.high[last].max(self.high[i]);
                    out.low[last] = out.low[last].min(self.low[i]);
                    out.close[last] = self.close[i];
                    out.volume[last] += self.volume[i];
                }
                _ => {
                    current = Some(key);
                    out.append(self.bar(i));
                }
            }
        }
        out
    }
}

/// The bar with its high and low at or beyond its other prices, where they are within [`PRICE_TOLERANCE`].
fn validated(bar: RawBar) -> Result<RawBar, BarDefect> {
    let RawBar { date, open, high, low, close, volume } = bar;
    let prices = [open, high, low, close];
    if !prices.iter().chain([&volume]).all(|value| value.is_finite()) {
        return Err(BarDefect::NotFinite);
    }
    if prices.iter().any(|price| *price <= 0.0) {
        return Err(BarDefect::NotPositive);
    }
    let (highest, lowest) = (open.max(close), open.min(close));
    if high < highest * (1.0 - PRICE_TOLERANCE) || low > lowest * (1.0 + PRICE_TOLERANCE) {
        return Err(BarDefect::Inconsistent);
    }
    if volume < 0.0 {
        return Err(BarDefect::NegativeVolume);
    }
    if volume > VOLUME_SHARES_MAX {
        return Err(BarDefect::VolumeTooLarge);
    }
    Ok(RawBar { date, open, high: high.max(highest), low: low.min(lowest), close, volume })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(date: &str, close: f64) -> RawBar {
        RawBar { date: date.parse().unwrap(), open: close, high: close, low: close, close, volume: 10.0 }
    }

    #[test]
    fn an_invalid_bar_is_refused_with_its_reason_and_the_others_stay() {
        let good = bar("2013-01-02", 1e-12);
        let (bars, refused) = Bars::from_raw([
            good,
            RawBar { close: f64::NAN, ..bar("2013-01-03", 1.0) },
            RawBar { low: 0.0, ..bar("2013-01-03", 1.0) },
            RawBar { high: 0.5, ..bar("2013-01-03", 1.0) },
            RawBar { low: 1.5, ..bar("2013-01-03", 1.0) },
            RawBar { volume: -1.0, ..bar("2013-01-03", 1.0) },
            RawBar { volume: 1.1e18, ..bar("2013-01-03", 1.0) },
            bar("2013-01-03", 1.0),
            bar("2013-01-03", 1.0),
            bar("2013-01-04", 1.0),
            bar("2013-01-05", 1.0),
            bar("2013-01-05", 2.0),
            bar("2013-01-05", 1.0),
        ]);
        let reasons: Vec<_> = refused.iter().map(|bar| (bar.position, bar.reason)).collect();
        assert_eq!(
            reasons,
            [
                (1, BarDefect::NotFinite),
                (2, BarDefect::NotPositive),
                (3, BarDefect::Inconsistent),
                (4, BarDefect::Inconsistent),
                (5, BarDefect::NegativeVolume),
                (6, BarDefect::VolumeTooLarge),
                (8, BarDefect::DuplicateDate),
                (10, BarDefect::ConflictingDate),
                (11, BarDefect::ConflictingDate),
                (12, BarDefect::ConflictingDate),
            ]
        );
        assert_eq!(bars.view().close, [1e-12, 1.0, 1.0]);
    }

    #[test]
    fn bars_in_any_order_are_the_same_series() {
        let days = ["2013-01-02", "2013-01-03", "2013-01-04", "2013-01-07"];
        let given: Vec<RawBar> =
            days.iter().zip(1..).map(|(day, close)| bar(day, f64::from(close))).collect();
        let (ascending, refused) = Bars::from_raw(given.clone());
        assert_eq!((ascending.len(), refused.len()), (4, 0));
        assert_eq!(Bars::from_raw(given.iter().rev().copied()), (ascending.clone(), vec![]));
        assert_eq!(Bars::from_raw([2, 0, 3, 1].map(|at| given[at])), (ascending, vec![]));
    }

    #[test]
    fn float_dust_is_no_contradiction_and_a_tick_is_one() {
        for price in [1e-12_f64, 0.07, 185.64, 9_999.99, 1e9] {
            let (dust, tick) = (price * (1.0 - 6e-8), price * 0.999_99);
            for (high, low, is_used) in [
                (price, price, true),
                (price.next_down(), price, true),
                (price, price.next_up(), true),
                (price.next_down(), price.next_up(), true),
                (dust, price, true),
                (price, 2.0 * price - dust, true),
                (tick, price, false),
                (price, 2.0 * price - tick, false),
            ] {
                let given = RawBar { high, low, ..bar("2013-01-02", price) };
                let (bars, refused) = Bars::from_raw([given]);
                assert_eq!((bars.len(), refused.is_empty()), (usize::from(is_used), is_used), "{given:?}");
                let view = bars.view();
                assert!(view.high.iter().chain(view.low).all(|kept| *kept == price), "{view:?}");
            }
        }
    }

    #[test]
    fn weeks_and_months_group_without_losing_volume() {
        let days = ["2012-12-28", "2012-12-31", "2013-01-02", "2013-01-07"];
        let (bars, _) = Bars::from_raw(days.iter().enumerate().map(|(i, day)| bar(day, 1.0 + i as f64)));
        let weeks = bars.view().resampled(Timeframe::Week);
        // 2012-12-31 and 2013-01-02 share ISO week 2013-W01.
        assert_eq!(weeks.view().close, [1.0, 3.0, 4.0]);
        assert_eq!(weeks.view().volume, [10.0, 20.0, 10.0]);
        let months = bars.view().resampled(Timeframe::Month);
        assert_eq!(months.view().open, [1.0, 3.0]);
        assert_eq!(months.view().high, [2.0, 4.0]);
        assert_eq!(bars.view().resampled(Timeframe::Day), bars);
    }

    #[test]
    fn a_range_has_no_later_bar() {
        let (bars, _) = Bars::from_raw((0..9).map(|day| bar(&format!("2013-01-0{}", day + 1), 1.0)));
        let view = bars.view();
        assert_eq!(view.range(0..5).date.last(), Some(&view.date[4]));
        assert_eq!(view.range(0..5).close.len(), 5);
        assert_eq!((view.from(7).len(), view.from(10).len(), view.from(7).bar(0)), (2, 0, view.bar(7)));
    }
}
