//! The fundamental engine: what the company filed, set against what it costs.
//!
//! Only what was public on the date of the newest bar counts. Per-share figures are as filed, so they meet the raw
//! close: an adjusted close would be scaled by splits that came after the filing.

mod filed;
mod metrics;
mod piotroski;

pub use metrics::Fundamental;
pub use piotroski::Criterion;

use crate::{Absence, Driver, Engine, Subject};
use filed::Filed;

/// Earnings yield at which a price is neither cheap nor dear (a P/E of 20), and the distance to a full vote.
const EARNINGS_YIELD_MIDDLE: f64 = 0.05;
/// The same for the yield of free cash flow.
const FCF_YIELD_MIDDLE: f64 = 0.04;
/// Return on equity that is worth no vote, and the distance to a full one.
const ROE_MIDDLE: f64 = 0.10;
const ROE_FULL: f64 = 0.15;
/// Growth of revenue that is worth a full vote.
const GROWTH_FULL: f64 = 0.20;

/// Ratios and score from the newest public filing.
#[must_use]
pub fn fundamental(subject: &Subject<'_>) -> Engine<Fundamental> {
    let (Some(as_of), Some(close)) = (subject.raw.date.last(), subject.raw.close.last()) else {
        return Engine::unavailable(Absence::InsufficientHistory { need: 1, have: 0 }, None);
    };
    let Some(filed) = Filed::as_of(subject.filings, *as_of) else {
        return Engine::unavailable(
            Absence::Missing { what: "annual or trailing filing by this date" },
            None,
        );
    };
    let metrics = Fundamental::of(&filed, *as_of, *close);
    Engine::of_drivers(drivers(&metrics), Absence::Missing { what: "figures in the filing" }, metrics)
}

fn drivers(metrics: &Fundamental) -> Vec<Driver> {
    [
        Driver::new(
            "earnings_yield",
            metrics.earnings_yield.value(),
            "(value - 0.05) / 0.05, held to -1..1",
            0.25,
            |earned| (earned - EARNINGS_YIELD_MIDDLE) / EARNINGS_YIELD_MIDDLE,
        ),
        Driver::new(
            "fcf_yield",
            metrics.fcf_yield.value(),
            "(value - 0.04) / 0.04, held to -1..1",
            0.20,
            |earned| (earned - FCF_YIELD_MIDDLE) / FCF_YIELD_MIDDLE,
        ),
        Driver::new("roe", metrics.roe.value(), "(value - 0.10) / 0.15, held to -1..1", 0.20, |roe| {
            (roe - ROE_MIDDLE) / ROE_FULL
        }),
        Driver::new(
            "revenue_growth",
            metrics.revenue_growth.value(),
            "value / 0.20, held to -1..1",
            0.15,
            |growth| growth / GROWTH_FULL,
        ),
        Driver::new(
            "debt_to_equity",
            metrics.debt_to_equity.value(),
            "1 - value, held to -1..1",
            0.10,
            |debt| 1.0 - debt,
        ),
        Driver::new(
            "current_ratio",
            metrics.current_ratio.value(),
            "value - 1, held to -1..1",
            0.10,
            |ratio| ratio - 1.0,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests;
