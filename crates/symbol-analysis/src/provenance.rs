//! The source, age and quality of data.

use std::borrow::Cow;

use analysis::DroppedRows;
use market_data::{AbsentPart, Freshness, Part, Quality, RefusedRow, Snapshot};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// The source, age and quality of the data.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Provenance<'a> {
    /// `bundled sample`, `csv directory`, `polygon`, or `request` for bars in the request.
    #[schema(value_type = String, example = "bundled sample")]
    pub data_source: &'static str,
    /// When the data was fetched; null for data built into the program.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub fetched_at: Option<String>,
    /// Whether it is the bundled sample, which ends in 2013.
    pub sample: bool,
    /// Whether the data is out of date: it is the sample, or refreshing it failed or is in progress.
    pub stale: bool,
    /// Age of stale data, in seconds; absent if it is fresh, or the sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_s: Option<u64>,
    /// Rows that were ignored, and parts that are missing.
    pub data_quality: DataQuality<'a>,
}

/// Rows that were ignored, and parts that are missing. Data is never repaired or guessed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DataQuality<'a> {
    /// Number of rows that were ignored.
    pub refused_total: usize,
    /// The first hundred of them.
    #[schema(value_type = Vec<Refused>)]
    pub refused: &'a [RefusedRow],
    /// Limitations of the source.
    #[schema(value_type = Vec<String>)]
    pub notes: &'a [Cow<'static, str>],
    /// Parts without data.
    #[serde(serialize_with = "missing")]
    #[schema(value_type = Vec<MissingPart>)]
    pub missing: &'a [AbsentPart],
}

/// A row that was ignored.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read by the derived schema alone")]
struct Refused {
    /// Line of the file, from 1; the header is line 1.
    line: Option<usize>,
    /// Position in the input, from 0.
    position: Option<usize>,
    /// The date, if the row has one.
    #[schema(required, format = Date)]
    date: Option<String>,
    /// Why it was ignored, such as `not_positive` or `duplicate_date`.
    reason: String,
}

/// A part without data.
#[derive(Serialize, ToSchema)]
struct MissingPart {
    /// `details`, `financials` or `news`.
    #[schema(value_type = String)]
    part: Part,
    /// `not_in_source` if the source has no such data, else `failed`.
    #[schema(value_type = String)]
    reason: &'static str,
}

fn missing<S: Serializer>(parts: &&[AbsentPart], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(parts.iter().map(|AbsentPart { part, error }| {
        let reason = if error.is_some() { "failed" } else { "not_in_source" };
        MissingPart { part: *part, reason }
    }))
}

impl<'a> Provenance<'a> {
    /// The provenance of a symbol's data.
    #[must_use]
    pub fn from_snapshot(snapshot: &'a Snapshot) -> Self {
        Self {
            data_source: snapshot.data_source,
            fetched_at: fetched_at(snapshot),
            sample: snapshot.is_sample(),
            // The sample does not change, so that responses with it are cached like fresh ones.
            stale: snapshot.is_stale() || snapshot.is_sample(),
            age_s: match snapshot.freshness {
                Freshness::Fresh => None,
                Freshness::Stale { age_s } => Some(age_s),
            },
            data_quality: DataQuality::new(&snapshot.quality, &snapshot.missing),
        }
    }
}

impl<'a> DataQuality<'a> {
    /// The refused rows of `quality`, and the parts that are `missing`.
    #[must_use]
    pub fn new(quality: &'a Quality, missing: &'a [AbsentPart]) -> Self {
        let Quality { refused_total, refused, refused_dates: _, refused_undated: _, notes } = quality;
        Self { refused_total: *refused_total, refused, notes, missing }
    }
}

/// The rows that were left out, for the figures that they may change.
#[must_use]
pub fn dropped(quality: &Quality) -> DroppedRows<'_> {
    DroppedRows { dates: &quality.refused_dates, undated: quality.refused_undated }
}

fn fetched_at(snapshot: &Snapshot) -> Option<String> {
    let instant = jiff::Timestamp::from_millisecond(snapshot.fetched_at_unix_ms?).ok()?;
    Some(instant.to_string())
}
