//! Which bars a question is about: how much time each covers, and how many days back.

use std::borrow::Cow;

use domain::{Bars, Date, History, Timeframe};

use super::Parameters;
use crate::problem::Problem;

/// Most days that can be asked for: about 55 years.
pub(super) const DAYS_MAX: u32 = 20_000;
/// Days when nothing is said.
pub(super) const DAYS_DEFAULT: u32 = 365;

/// The parameters that make a window.
pub(super) const TIMEFRAME: &str = "timeframe";
pub(super) const DAYS: &str = "days";

/// A timeframe, and calendar days back from the newest bar, that day included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    timeframe: Timeframe,
    days: u32,
}

impl Window {
    /// The window that the parameters name.
    ///
    /// # Errors
    /// The parameter that is not acceptable.
    pub fn of(parameters: &Parameters) -> Result<Self, Problem> {
        Ok(Self {
            timeframe: parameters.parsed(TIMEFRAME)?.unwrap_or_default(),
            days: parameters.number(DAYS, 1..=DAYS_MAX)?.unwrap_or(DAYS_DEFAULT),
        })
    }

    /// How much time a bar covers.
    #[must_use]
    pub fn timeframe(self) -> Timeframe {
        self.timeframe
    }

    /// Position of its first daily bar: windows of one history with the same position hold the same bars.
    #[must_use]
    pub fn first_bar(self, history: &History) -> usize {
        let bars = history.raw().view();
        let first = |newest: Date| bars.position_since(newest.minus_days(self.days - 1));
        history.as_of().map_or(0, first)
    }

    /// The bars at this timeframe, all of them, and the position of the window's first: a week or month counts when it
    /// begins within the window.
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
