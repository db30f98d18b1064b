//! Which way something points, with where that comes from.

use domain::Date;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Absence, Span};

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Heading {
    /// Up.
    Up,
    /// Down.
    Down,
    /// Neither.
    Sideways,
}

/// A direction, or why there is none, and the bars it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Tendency {
    /// Which way; null with a reason when it cannot be told.
    #[schema(required)]
    pub value: Option<Heading>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Absence>,
    /// When it is which.
    #[schema(value_type = String)]
    pub definition: &'static str,
    /// Number of bars that it comes from.
    pub bars_used: usize,
    /// Date of the first of them.
    #[schema(required, value_type = Option<String>, format = Date)]
    pub first_date: Option<Date>,
    /// Date of the last of them.
    #[schema(required, value_type = Option<String>, format = Date)]
    pub last_date: Option<Date>,
    /// What prices are adjusted for.
    #[schema(value_type = String, example = "split_dividend")]
    pub price_basis: &'static str,
}

impl Tendency {
    pub(super) fn new(definition: &'static str, span: Span, outcome: Result<Heading, Absence>) -> Self {
        let Span { bars_used, first_date, last_date, price_basis } = span;
        Self {
            value: outcome.ok(),
            reason: outcome.err(),
            definition,
            bars_used,
            first_date,
            last_date,
            price_basis: price_basis.as_str(),
        }
    }
}
