//! A value with its definition and the bars it was computed from.

use std::fmt;

use domain::{BarsView, Date, PriceBasis, VolumeBasis};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Why a value cannot be computed. Serialized as `{"code": …}` with the numbers that explain it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Absence {
    /// Fewer bars than the definition needs.
    InsufficientHistory {
        /// Bars needed for the first value.
        need: usize,
        /// Bars given.
        have: usize,
    },
    /// Prices do not move, so that the definition would divide by zero.
    Flat,
    /// A denominator is zero or negative.
    DenominatorNotPositive {
        /// Name of the denominator.
        what: &'static str,
    },
    /// An input is missing.
    Missing {
        /// Name of the input.
        what: &'static str,
    },
    /// The result is out of the range of a 64-bit float.
    OutOfRange,
    /// On most bars nothing was traded, or they are missing: returns are those of stale prices.
    ThinTrading {
        /// Bars on which the equity was traded.
        traded: usize,
        /// Bars that the market was open, as far as the calendar tells.
        expected: usize,
    },
    /// The market's returns end before the bars do, or cover too few of them.
    BenchmarkIncomplete {
        /// Returns in common with the market.
        common: usize,
        /// Returns of the equity.
        returns: usize,
    },
}

impl fmt::Display for Absence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InsufficientHistory { need, have } => write!(out, "it needs {need} bars and has {have}"),
            Self::Flat => out.write_str("prices do not move"),
            Self::DenominatorNotPositive { what } => write!(out, "{what} is not positive"),
            Self::Missing { what } => write!(out, "no {what}"),
            Self::OutOfRange => out.write_str("a figure is out of range"),
            Self::ThinTrading { traded, expected } => {
                write!(out, "it was traded on {traded} of {expected} bars only")
            }
            Self::BenchmarkIncomplete { common, returns } => {
                write!(out, "the market's returns cover {common} of {returns} bars, or end before the newest")
            }
        }
    }
}

/// Rows that were left out of the bars because they were invalid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DroppedRows<'a> {
    /// Dates of those whose date is valid, ascending.
    pub dates: &'a [Date],
    /// Number of the others, which may belong to any date.
    pub undated: usize,
}

impl DroppedRows<'_> {
    /// Rows that may have been one of the bars from `first` on.
    #[must_use]
    pub fn since(&self, first: Option<Date>) -> usize {
        let before = first.map_or(0, |first| self.dates.partition_point(|date| *date < first));
        self.dates.len() - before + self.undated
    }
}

/// The bars that a value was computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Number of bars.
    pub bars_used: usize,
    /// Date of the first bar.
    pub first_date: Option<Date>,
    /// Date of the last bar.
    pub last_date: Option<Date>,
    /// Corporate actions that prices are adjusted for.
    pub price_basis: PriceBasis,
    /// Rows since the first date that were left out because they were invalid.
    pub bars_dropped: usize,
}

impl Span {
    /// The newest `bars_max` of `bars`, or all of them when there are fewer.
    pub(crate) fn newest(
        bars: BarsView<'_>,
        bars_max: usize,
        price_basis: PriceBasis,
        dropped: DroppedRows<'_>,
    ) -> Self {
        let used = bars.date.get(bars.len().saturating_sub(bars_max)..).unwrap_or_default();
        let first_date = used.first().copied();
        Self {
            bars_used: used.len(),
            first_date,
            last_date: used.last().copied(),
            price_basis,
            bars_dropped: dropped.since(first_date),
        }
    }
}

/// A value, or why there is none, with its provenance. Never NaN or infinite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    outcome: Result<f64, Absence>,
    definition: &'static str,
    span: Span,
    volume_basis: Option<VolumeBasis>,
    is_flat: bool,
}

impl Figure {
    /// A value that is not finite becomes [`Absence::OutOfRange`].
    pub(crate) fn new(definition: &'static str, span: Span, outcome: Result<f64, Absence>) -> Self {
        let outcome = outcome
            .and_then(|value| if value.is_finite() { Ok(value + 0.0) } else { Err(Absence::OutOfRange) });
        Self { outcome, definition, span, volume_basis: None, is_flat: false }
    }

    /// Says what the volume is adjusted for that the figure uses.
    pub(crate) fn with_volume(self, basis: VolumeBasis) -> Self {
        Self { volume_basis: Some(basis), ..self }
    }

    /// Marks the figure as computed on prices that do not move: it is shown, but never votes.
    pub(crate) fn flat(self) -> Self {
        Self { is_flat: true, ..self }
    }

    /// The value, if it could be computed.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        self.outcome.ok()
    }

    /// The value, or why there is none.
    ///
    /// # Errors
    /// The reason.
    pub fn outcome(&self) -> Result<f64, Absence> {
        self.outcome
    }

    /// Why there is no value.
    #[must_use]
    pub fn absence(&self) -> Option<Absence> {
        self.outcome.err()
    }

    /// Whether prices did not move.
    #[must_use]
    pub fn is_flat(&self) -> bool {
        self.is_flat
    }

    /// The bars it was computed from.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_incomplete = self.span.bars_dropped > 0;
        let extra = [self.outcome.is_err(), self.is_flat, is_incomplete, self.volume_basis.is_some()];
        let extra = extra.into_iter().map(usize::from).sum::<usize>();
        let mut out = serializer.serialize_struct("Figure", 6 + extra)?;
        out.serialize_field("value", &self.value())?;
        if let Err(absence) = &self.outcome {
            out.serialize_field("reason", absence)?;
        }
        if self.is_flat {
            out.serialize_field("flag", "flat")?;
        }
        out.serialize_field("definition", self.definition)?;
        out.serialize_field("bars_used", &self.span.bars_used)?;
        out.serialize_field("first_date", &self.span.first_date)?;
        out.serialize_field("last_date", &self.span.last_date)?;
        out.serialize_field("price_basis", self.span.price_basis.as_str())?;
        if let Some(basis) = self.volume_basis {
            out.serialize_field("volume_basis", basis.as_str())?;
        }
        if is_incomplete {
            out.serialize_field("bars_dropped", &self.span.bars_dropped)?;
        }
        out.end()
    }
}

/// JSON schema of a [`Figure`].
#[derive(ToSchema)]
#[expect(dead_code, reason = "only the derived schema reads the fields")]
struct FigureSchema {
    /// The value; null when it cannot be computed.
    #[schema(required)]
    value: Option<f64>,
    /// Why the value is null.
    reason: Option<Absence>,
    /// `flat` when prices do not move: the value is shown, but never votes.
    flag: Option<String>,
    /// Definition, with period, seed and variant.
    definition: String,
    /// Number of bars used.
    bars_used: usize,
    /// Date of the first bar used.
    #[schema(required, format = Date)]
    first_date: Option<String>,
    /// Date of the last bar used.
    #[schema(required, format = Date)]
    last_date: Option<String>,
    /// Corporate actions that prices are adjusted for: `raw`, `split` or `split_dividend`.
    price_basis: String,
    /// What the volume is adjusted for, if the figure uses it: `raw`, `split`, or `as_given` if the source does not tell. Around
    /// a split, volume that is not adjusted distorts the figure.
    volume_basis: Option<String>,
    /// Rows since the first date that were left out because they were invalid; absent if there is none.
    bars_dropped: Option<usize>,
}

impl PartialSchema for Figure {
    fn schema() -> RefOr<Schema> {
        FigureSchema::schema()
    }
}

impl ToSchema for Figure {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        FigureSchema::schemas(schemas);
    }
}
