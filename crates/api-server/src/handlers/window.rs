//! The bars of a request: the timeframe, and the number of days.

use std::borrow::Cow;

use domain::{Bars, Date, History, Timeframe};

use super::Parameters;
use crate::problem::Problem;

/// Most days of a window: about 55 years.
pub(super) const DAYS_MAX: u32 = 20_000;
pub(super) const DAYS_DEFAULT: u32 = 365;

pub(super) const TIMEFRAME: &str = "timeframe";
pub(super) const DAYS: &str = "days";

/// A timeframe, and calendar days back from the newest bar, that day included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(super) timeframe: Timeframe,
    days: u32,
}

impl Window {
    pub(crate) fn parse(parameters: &Parameters) -> Result<Self, Problem> {
        Ok(Self {
            timeframe: parameters.parse_as(TIMEFRAME)?.unwrap_or_default(),
            days: parameters.number(DAYS, 1..=DAYS_MAX)?.unwrap_or(DAYS_DEFAULT),
        })
    }

    /// Index of the first daily bar: windows of one history with the same index have the same bars.
    pub(crate) fn first_bar(self, history: &History) -> usize {
        let bars = history.raw().view();
        let first = |newest: Date| bars.position_since(newest.minus_days(self.days - 1));
        history.as_of().map_or(0, first)
    }

    /// All bars of this timeframe, and the index of the window's first: a week or month counts if it begins in the window.
    pub(crate) fn bars(self, daily: &Bars, first_bar: usize) -> (Cow<'_, Bars>, usize) {
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
