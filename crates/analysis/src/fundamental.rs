//! The fundamental engine: figures that the company filed, compared with its price.
//!
//! Only filings that were public on the date of the newest bar count. Per-share figures are as filed, and are therefore
//! compared with the close as traded, in the shares of the filing's day: a split since then is undone, and one between two filings
//! too.

mod latest_filing;
mod metrics;
mod piotroski;
mod ratio;

use std::borrow::Cow;

use domain::Filing;

pub use metrics::Fundamental;
pub use piotroski::Criterion;

use crate::{Absence, AnalysisInput, Driver, Engine, ExcludedDriver};
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
    let (Some(as_of), Some(close)) = (input.bars.date.last(), input.traded_close) else {
        return Engine::unavailable(Absence::InsufficientHistory { need: 1, have: 0 }, None);
    };
    let Some(filed) = LatestFiling::new(input.filings, *as_of) else {
        return Engine::unavailable(
            Absence::Missing { what: "annual or trailing filing by this date" },
            None,
        );
    };
    // A share of a filing's day is so many shares today.
    let shares = |filing: &Filing| filing.filing_date.map_or(1.0, |date| input.shares_since(date));
    let prior = filed.prior.map(|prior| after_split(prior, shares(prior) / shares(filed.current)));
    let filed = LatestFiling { prior: prior.as_deref(), ..filed };
    let metrics = Fundamental::new(&filed, *as_of, close * shares(filed.current));
    Engine::from_drivers(drivers(&metrics), Absence::Missing { what: "figures in the filing" }, metrics)
}

/// The filing in shares after a split that made `shares` of each.
fn after_split(filing: &Filing, shares: f64) -> Cow<'_, Filing> {
    if (shares - 1.0).abs() <= f64::EPSILON {
        return Cow::Borrowed(filing);
    }
    let per_share = |figure: Option<f64>| figure.map(|figure| figure / shares);
    Cow::Owned(Filing {
        eps_basic: per_share(filing.eps_basic),
        eps_diluted: per_share(filing.eps_diluted),
        diluted_shares: filing.diluted_shares.map(|count| count * shares),
        ..filing.clone()
    })
}

fn drivers(metrics: &Fundamental) -> [Result<Driver, ExcludedDriver>; 6] {
    [
        Driver::new(
            "earnings_yield",
            metrics.earnings_yield.outcome(),
            "(value - 0.05) / 0.05, clamped to -1..1",
            0.25,
            |earnings_yield| (earnings_yield - EARNINGS_YIELD_MIDDLE) / EARNINGS_YIELD_MIDDLE,
        ),
        Driver::new(
            "fcf_yield",
            metrics.fcf_yield.outcome(),
            "(value - 0.04) / 0.04, clamped to -1..1",
            0.20,
            |fcf_yield| (fcf_yield - FCF_YIELD_MIDDLE) / FCF_YIELD_MIDDLE,
        ),
        Driver::new("roe", metrics.roe.outcome(), "(value - 0.10) / 0.15, clamped to -1..1", 0.20, |roe| {
            (roe - ROE_MIDDLE) / ROE_FULL
        }),
        Driver::new(
            "revenue_growth",
            metrics.revenue_growth.outcome(),
            "value / 0.20, clamped to -1..1",
            0.15,
            |growth| growth / GROWTH_FULL,
        ),
        Driver::new(
            "debt_to_equity",
            metrics.debt_to_equity.outcome(),
            "1 - value, clamped to -1..1",
            0.10,
            |debt| 1.0 - debt,
        ),
        Driver::new(
            "current_ratio",
            metrics.current_ratio.outcome(),
            "value - 1, clamped to -1..1",
            0.10,
            |ratio| ratio - 1.0,
        ),
    ]
}

#[cfg(test)]
mod tests;
