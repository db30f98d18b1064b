//! Price levels that people look at, as traded.

use domain::{PriceBasis, Timeframe};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Absence, Figure, Span, Subject};

/// Levels of the raw bars.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PriceLevels {
    /// Close before the newest.
    pub previous_close: Figure,
    /// Highest price of the last year.
    pub high_52_week: Figure,
    /// Lowest price of the last year.
    pub low_52_week: Figure,
}

impl PriceLevels {
    /// Levels as of the newest bar.
    #[must_use]
    pub fn of(subject: &Subject<'_>) -> Self {
        let raw = subject.raw;
        let have = raw.len();
        let span = |bars| Span::newest(raw, bars, PriceBasis::Raw);
        let previous = have.checked_sub(2).map(|at| raw.close[at]);
        let previous = previous.ok_or(Absence::InsufficientHistory { need: 2, have });
        let year = bars_in_a_year(subject.timeframe);
        let of_year = |column: &[f64], pick: fn(f64, f64) -> f64| match have.checked_sub(year) {
            Some(start) => Ok(column[start + 1..].iter().copied().fold(column[start], pick)),
            None => Err(Absence::InsufficientHistory { need: year, have }),
        };
        Self {
            previous_close: Figure::new("close before the newest, as traded", span(2), previous),
            high_52_week: Figure::new(
                "highest high of the last year's bars, as traded",
                span(year),
                of_year(raw.high, f64::max),
            ),
            low_52_week: Figure::new(
                "lowest low of the last year's bars, as traded",
                span(year),
                of_year(raw.low, f64::min),
            ),
        }
    }
}

fn bars_in_a_year(timeframe: Timeframe) -> usize {
    match timeframe {
        Timeframe::Day => 252,
        Timeframe::Week => 52,
        Timeframe::Month => 12,
    }
}
