//! The direction of a metric, with its provenance.

use domain::{Date, VolumeBasis};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Absence, Span};

/// Direction of a trend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrendDirection {
    /// Up.
    Up,
    /// Down.
    Down,
    /// Neither up nor down.
    Sideways,
}

/// A direction, or why there is none, and the bars it was computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Trend {
    /// The direction; null with a reason when it cannot be computed.
    #[schema(required)]
    pub value: Option<TrendDirection>,
    /// Why the value is null.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Absence>,
    /// Rule that decides the direction.
    #[schema(value_type = String)]
    pub definition: &'static str,
    /// Number of bars used.
    pub bars_used: usize,
    /// Date of the first bar used.
    #[schema(required, value_type = Option<String>, format = Date)]
    pub first_date: Option<Date>,
    /// Date of the last bar used.
    #[schema(required, value_type = Option<String>, format = Date)]
    pub last_date: Option<Date>,
    /// Corporate actions that prices are adjusted for: `raw`, `split` or `split_dividend`.
    #[schema(value_type = String, example = "split_dividend")]
    pub price_basis: &'static str,
    /// What the volume is adjusted for, if the trend uses it: `raw`, `split`, or `as_given` if the source does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub volume_basis: Option<&'static str>,
    /// Rows since the first date that were left out because they were invalid; absent if there is none.
    #[serde(skip_serializing_if = "is_zero")]
    #[schema(value_type = Option<usize>)]
    pub bars_dropped: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Trend {
    pub(super) fn new(
        definition: &'static str,
        span: Span,
        volume_basis: Option<VolumeBasis>,
        outcome: Result<TrendDirection, Absence>,
    ) -> Self {
        let Span { bars_used, first_date, last_date, price_basis, bars_dropped } = span;
        Self {
            value: outcome.ok(),
            reason: outcome.err(),
            definition,
            bars_used,
            first_date,
            last_date,
            price_basis: price_basis.as_str(),
            volume_basis: volume_basis.map(VolumeBasis::as_str),
            bars_dropped,
        }
    }
}
