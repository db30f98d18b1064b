//! Which bars an analysis is about: their timeframe, and the number of days.

use std::borrow::Cow;

use domain::{Bars, BarsView, History, Timeframe};

/// Most days of a window: about 55 years.
pub const DAYS_MAX: u32 = 20_000;

/// Days of a window by default: enough bars for every figure of return and risk. Indicators also use the bars before the window.
fn days_default(timeframe: Timeframe) -> u32 {
    match timeframe {
        // A year: 252 bars.
        Timeframe::Day => 365,
        // Five years: 260 bars.
        Timeframe::Week => 1_827,
        // Ten years: 120 bars.
        Timeframe::Month => 3_653,
    }
}

/// Position of the first bar of the newest `days` days.
#[must_use]
pub fn first_bar(bars: BarsView<'_>, days: u32) -> usize {
    bars.date.last().map_or(0, |newest| bars.position_since(newest.minus_days(days - 1)))
}

/// A timeframe, and calendar days back from the newest bar, that day included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Time that one bar covers.
    pub timeframe: Timeframe,
    days: u32,
}

impl Window {
    /// The newest `days` days, 1 to [`DAYS_MAX`]; by default [`days_default`].
    #[must_use]
    pub fn new(timeframe: Timeframe, days: Option<u32>) -> Self {
        Self { timeframe, days: days.unwrap_or(days_default(timeframe)).clamp(1, DAYS_MAX) }
    }

    /// Index of the first daily bar: windows of one history with the same index have the same bars.
    #[must_use]
    pub fn first_bar(self, history: &History) -> usize {
        first_bar(history.raw().view(), self.days)
    }

    /// All bars of this timeframe up to the newest, and the index of the window's first: a week or month counts if it begins in
    /// the window.
    #[must_use]
    pub fn bars(self, daily: &Bars, first_bar: usize) -> (Cow<'_, Bars>, usize) {
        match (self.timeframe, daily.view().date.get(first_bar)) {
            (Timeframe::Day, _) => (Cow::Borrowed(daily), first_bar),
            (Timeframe::Week | Timeframe::Month, since) => {
                let bars = daily.view().resampled(self.timeframe);
                let first = since.map_or(0, |since| bars.view().position_since(*since));
                (Cow::Owned(bars), first)
            }
        }
    }
}
