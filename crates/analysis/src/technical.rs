//! The technical block of an analysis: newest indicator values, candlestick patterns, and the rating made of votes.
//!
//! Only the newest row is computed; full series are [`crate::indicators`].

mod chains;
mod metrics;
mod reading;
mod readings;
mod tendency;
mod windows;

use domain::Date;
use serde::Serialize;
use utoipa::ToSchema;

pub use metrics::{Metric, Metrics};
pub(crate) use reading::{Outcome, voting};
pub(crate) use readings::Readings;
pub use tendency::{Heading, Tendency};

use crate::Subject;
use crate::patterns::{self, Pattern};
use crate::rating::{Rating, rate};

/// Technical analysis of the newest bar.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Technical {
    /// Votes and their means: `rating.score` is this block's score in -1 to 1.
    pub rating: Rating,
    /// Newest values by name, each a field of its own beside these.
    #[serde(flatten)]
    #[schema(value_type = std::collections::BTreeMap<String, Metric>)]
    pub metrics: Metrics,
    /// Candlestick patterns that end at one of the newest five bars.
    pub detected_patterns: Vec<Pattern>,
    /// Bars given.
    pub bars_used: usize,
    /// Date of the first.
    #[schema(value_type = Option<String>, format = Date)]
    pub first_date: Option<Date>,
    /// Date of the last.
    #[schema(value_type = Option<String>, format = Date)]
    pub last_date: Option<Date>,
    /// What prices are adjusted for.
    #[schema(value_type = String, example = "split_dividend")]
    pub price_basis: &'static str,
}

/// Analyses the newest of `subject.bars`; levels shown to people come from `subject.raw`.
///
/// Nothing is guessed: with three bars nearly every value is absent and says how many bars it needs. Cost grows with
/// the number of bars (exponential and Wilder means remember them all) by some 15 ns a bar.
#[must_use]
pub fn technical(subject: &Subject<'_>) -> Technical {
    let bars = subject.bars;
    let readings = Readings::of(bars);
    Technical {
        rating: rate(&readings),
        metrics: metrics::metrics(&readings, subject),
        detected_patterns: patterns::newest(&bars),
        bars_used: bars.len(),
        first_date: bars.date.first().copied(),
        last_date: bars.date.last().copied(),
        price_basis: subject.price_basis.as_str(),
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
