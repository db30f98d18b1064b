//! The 61 candlestick patterns of TA-Lib with its default settings, on the newest bars or on all.
//!
//! A pattern is a shape, not a forecast, and does not vote.

mod catalogue;

use domain::{BarsView, Date};
use serde::Serialize;
use ta_lib::Core;
use utoipa::ToSchema;

pub use catalogue::{NAMES, PATTERNS};

/// Number of newest bars at which an analysis looks for the end of a pattern.
pub const NEWEST_BARS: usize = 5;

/// A pattern that ends at one of the newest bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Pattern {
    /// TA-Lib's name, such as `CDLENGULFING`.
    #[schema(value_type = String, example = "CDLENGULFING")]
    pub name: &'static str,
    /// TA-Lib's value: positive bullish, negative bearish; usually 100, 80 for a shape just reached, 200 confirmed.
    pub value: i32,
    /// Date of the bar at which the pattern ends.
    #[schema(value_type = String, format = Date)]
    pub date: Date,
    /// Number of bars between that bar and the newest one.
    pub bars_ago: usize,
}

/// Patterns that end at one of the newest [`NEWEST_BARS`] bars, newest first, by name within a bar.
#[must_use]
pub fn newest(bars: &BarsView<'_>) -> Vec<Pattern> {
    let Some(last) = bars.len().checked_sub(1) else { return Vec::new() };
    let core = Core::new();
    let first = (last + 1).saturating_sub(NEWEST_BARS);
    let mut patterns = Vec::new();
    for (pattern, name) in NAMES.iter().enumerate() {
        let mut values = [0; NEWEST_BARS];
        for (i, value) in run(&core, pattern, bars, first, last, &mut values) {
            if value != 0 {
                patterns.push(Pattern { name, value, date: bars.date[i], bars_ago: last - i });
            }
        }
    }
    patterns.sort_by_key(|pattern| pattern.bars_ago);
    patterns
}

/// Pattern number `pattern` of [`NAMES`] at every bar; 0 where there is none or too few bars before it.
///
/// # Panics
/// When there is no such pattern.
#[must_use]
pub fn history(pattern: usize, bars: &BarsView<'_>) -> Vec<i32> {
    let mut out = vec![0; bars.len()];
    if let Some(last) = bars.len().checked_sub(1) {
        let mut values = vec![0; bars.len()];
        for (i, value) in run(&Core::new(), pattern, bars, 0, last, &mut values) {
            out[i] = value;
        }
    }
    out
}

/// Values of one pattern by bar, for those of `first..=last` that have enough bars before them.
fn run<'v>(
    core: &Core,
    pattern: usize,
    bars: &BarsView<'_>,
    first: usize,
    last: usize,
    values: &'v mut [i32],
) -> impl Iterator<Item = (usize, i32)> + 'v {
    let range = catalogue::recognize(core, pattern, bars, first, last, values);
    values.iter().take(range.count).enumerate().map(move |(at, value)| (range.beg_idx + at, *value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Bars, RawBar};

    fn bars(rows: &[[f64; 4]]) -> Bars {
        let (bars, refused) =
            Bars::from_raw(rows.iter().enumerate().map(|(day, [open, high, low, close])| {
                let date = Date::from_days(day as i32).unwrap();
                RawBar { date, open: *open, high: *high, low: *low, close: *close, volume: 1.0 }
            }));
        assert!(refused.is_empty());
        bars
    }

    #[test]
    fn an_engulfing_bar_is_named_dated_and_counted_from_the_newest() {
        let bars = bars(&[
            [10.0, 10.5, 9.5, 10.0],
            [10.0, 10.5, 8.5, 9.0],
            [8.8, 11.0, 8.7, 10.8],
            [10.8, 11.0, 10.6, 10.9],
        ]);
        let engulfing: Vec<Pattern> =
            newest(&bars.view()).into_iter().filter(|pattern| pattern.name == "CDLENGULFING").collect();
        let date = Date::from_days(2).unwrap();
        assert_eq!(engulfing, [Pattern { name: "CDLENGULFING", value: 100, date, bars_ago: 1 }]);
    }

    #[test]
    fn no_bar_and_one_bar_have_no_pattern() {
        assert!(newest(&bars(&[]).view()).is_empty());
        assert!(newest(&bars(&[[1.0; 4]]).view()).is_empty());
    }
}
