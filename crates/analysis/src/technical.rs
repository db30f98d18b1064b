//! The technical block of an analysis: newest indicator values, candlestick patterns, and the rating made of votes.
//!
//! Only the newest row is computed; full series are [`crate::indicators`].

mod metrics;
mod trend;

use domain::Date;
use serde::Serialize;
use utoipa::ToSchema;

pub use metrics::{Metric, Metrics};
pub use trend::{Trend, TrendDirection};

use crate::latest::LatestIndicators;
use crate::patterns::{self, Pattern};
use crate::rating::{Rating, rate};
use crate::{AnalysisInput, RecursiveIndicators};

/// Technical analysis of the newest bar, from all bars known: the same for every window that ends with it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Technical {
    /// Votes and their means: `rating.score` is this block's score in -1 to 1.
    pub rating: Rating,
    /// Newest values by name, each a field of this object.
    #[serde(flatten)]
    #[schema(value_type = std::collections::BTreeMap<String, Metric>)]
    pub metrics: Metrics,
    /// Candlestick patterns that end at one of the newest five bars.
    pub detected_patterns: Vec<Pattern>,
    /// Number of bars.
    pub bars_used: usize,
    /// Date of the first bar.
    #[schema(value_type = Option<String>, format = Date)]
    pub first_date: Option<Date>,
    /// Date of the last bar.
    #[schema(value_type = Option<String>, format = Date)]
    pub last_date: Option<Date>,
    /// Corporate actions that prices are adjusted for: `raw`, `split` or `split_dividend`.
    #[schema(value_type = String, example = "split_dividend")]
    pub price_basis: &'static str,
}

/// Analyses the newest of `input.bars`; the extremes of a year come from `input.levels`.
///
/// Nothing is guessed: with three bars nearly every value is absent and says how many bars it needs. Without
/// `input.indicators`, cost grows with the number of bars by about 15 ns each, because exponential and Wilder means depend on all
/// of them.
#[must_use]
pub fn technical(input: &AnalysisInput<'_>) -> Technical {
    let bars = input.bars;
    let computed;
    let recursive = match input.indicators.filter(|indicators| indicators.is_of(bars)) {
        Some(indicators) => indicators,
        None => {
            computed = RecursiveIndicators::new(bars);
            &computed
        }
    };
    let latest = LatestIndicators::new(bars, recursive);
    Technical {
        rating: rate(&latest, input.volume_basis),
        metrics: metrics::metrics(&latest, input),
        detected_patterns: patterns::newest(&bars),
        bars_used: bars.len(),
        first_date: bars.date.first().copied(),
        last_date: bars.date.last().copied(),
        price_basis: input.price_basis.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use utoipa::PartialSchema;

    #[test]
    fn the_schema_names_the_blocks_and_admits_every_metric() {
        let schema = serde_json::to_value(Technical::schema()).unwrap();
        assert_eq!(schema["additionalProperties"]["$ref"], "#/components/schemas/Metric");
        assert_eq!(schema["properties"]["rating"]["$ref"], "#/components/schemas/Rating");
    }
}
