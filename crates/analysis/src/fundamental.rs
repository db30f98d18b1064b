//! The fundamental engine: figures that the company filed, compared with its price.
//!
//! Only filings that were public on the date of the newest bar count. Per-share figures are as filed, and are therefore
//! compared with the raw close: splits after the filing would scale an adjusted close.

mod latest_filing;
mod metrics;
mod piotroski;
mod ratio;

pub use metrics::Fundamental;
pub use piotroski::Criterion;

use crate::{Absence, AnalysisInput, Driver, Engine};
use latest_filing::LatestFiling;

/// Earnings yield of a fair price (a P/E of 20), and the distance to a score of 1.
const EARNINGS_YIELD_MIDDLE: f64 = 0.05;
/// The same for the free cash flow yield.
const FCF_YIELD_MIDDLE: f64 = 0.04;
/// Return on equity with a score of 0, and the distance to a score of 1.
const ROE_MIDDLE: f64 = 0.10;
const ROE_FULL: f64 = 0.15;
/// Growth of revenue with a score of 1.
const GROWTH_FULL: f64 = 0.20;

/// Ratios and score from the newest public filing.
#[must_use]
pub fn fundamental(input: &AnalysisInput<'_>) -> Engine<Fundamental> {
    let (Some(as_of), Some(close)) = (input.raw.date.last(), input.raw.close.last()) else {
        return Engine::unavailable(Absence::InsufficientHistory { need: 1, have: 0 }, None);
    };
    let Some(filed) = LatestFiling::new(input.filings, *as_of) else {
        return Engine::unavailable(
            Absence::Missing { what: "annual or trailing filing by this date" },
            None,
        );
    };
    let metrics = Fundamental::new(&filed, *as_of, *close);
    Engine::from_drivers(drivers(&metrics), Absence::Missing { what: "figures in the filing" }, metrics)
}

fn drivers(metrics: &Fundamental) -> Vec<Driver> {
    [
        Driver::new(
            "earnings_yield",
            metrics.earnings_yield.value(),
            "(value - 0.05) / 0.05, clamped to -1..1",
            0.25,
            |earnings_yield| (earnings_yield - EARNINGS_YIELD_MIDDLE) / EARNINGS_YIELD_MIDDLE,
        ),
        Driver::new(
            "fcf_yield",
            metrics.fcf_yield.value(),
            "(value - 0.04) / 0.04, clamped to -1..1",
            0.20,
            |fcf_yield| (fcf_yield - FCF_YIELD_MIDDLE) / FCF_YIELD_MIDDLE,
        ),
        Driver::new("roe", metrics.roe.value(), "(value - 0.10) / 0.15, clamped to -1..1", 0.20, |roe| {
            (roe - ROE_MIDDLE) / ROE_FULL
        }),
        Driver::new(
            "revenue_growth",
            metrics.revenue_growth.value(),
            "value / 0.20, clamped to -1..1",
            0.15,
            |growth| growth / GROWTH_FULL,
        ),
        Driver::new(
            "debt_to_equity",
            metrics.debt_to_equity.value(),
            "1 - value, clamped to -1..1",
            0.10,
            |debt| 1.0 - debt,
        ),
        Driver::new(
            "current_ratio",
            metrics.current_ratio.value(),
            "value - 1, clamped to -1..1",
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
