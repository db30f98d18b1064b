//! The source, age and quality of the data in a response.

use http::HeaderValue;
use market_data::{AbsentPart, Freshness, Part, Quality, RefusedRow, Snapshot};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// The source, age and quality of the data.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Provenance<'a> {
    /// `bundled sample`, `csv directory`, `polygon`, or `request` for bars in the request.
    #[schema(value_type = String, example = "bundled sample")]
    pub(crate) data_source: &'static str,
    /// When the data was fetched; null for data built into the program.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub(crate) fetched_at: Option<String>,
    /// Whether the data is out of date, because refreshing it failed or is in progress.
    pub(crate) stale: bool,
    /// Age of stale data, in seconds; absent if it is fresh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) age_s: Option<u64>,
    /// Rows that were ignored, and parts that are missing.
    pub(crate) data_quality: DataQuality<'a>,
}

/// Rows that were ignored, and parts that are missing. Data is never repaired or guessed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct DataQuality<'a> {
    /// Number of rows that were ignored.
    pub(crate) refused_total: usize,
    /// The first hundred of them.
    #[schema(value_type = Vec<Refused>)]
    pub(crate) refused: &'a [RefusedRow],
    /// Limitations of the source.
    #[schema(value_type = Vec<String>)]
    pub(crate) notes: &'a [&'static str],
    /// Parts without data.
    #[serde(serialize_with = "missing")]
    #[schema(value_type = Vec<MissingPart>)]
    pub(crate) missing: &'a [AbsentPart],
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
    pub(crate) fn from_snapshot(snapshot: &'a Snapshot) -> Self {
        Self {
            data_source: snapshot.data_source,
            fetched_at: fetched_at(snapshot),
            stale: snapshot.is_stale(),
            age_s: match snapshot.freshness {
                Freshness::Fresh => None,
                Freshness::Stale { age_s } => Some(age_s),
            },
            data_quality: DataQuality::new(&snapshot.quality, &snapshot.missing),
        }
    }
}

impl<'a> DataQuality<'a> {
    pub(crate) fn new(quality: &'a Quality, missing: &'a [AbsentPart]) -> Self {
        let Quality { refused_total, refused, notes } = quality;
        Self { refused_total: *refused_total, refused, notes, missing }
    }
}

fn fetched_at(snapshot: &Snapshot) -> Option<String> {
    let instant = jiff::Timestamp::from_millisecond(snapshot.fetched_at_unix_ms?).ok()?;
    Some(instant.to_string())
}

/// A strong ETag for this variant of a response from this data. Stale data has none: its age is part of the response, so no two
/// responses are the same.
pub(super) fn etag(snapshot: &Snapshot, variant: &str) -> Option<HeaderValue> {
    let Snapshot { version, fetched_at_unix_ms, .. } = snapshot;
    if snapshot.is_stale() {
        return None;
    }
    let fetched = fetched_at_unix_ms.unwrap_or_default();
    let tag = format!("\"{version:016x}-{fetched:x}-{variant}-{}\"", env!("CARGO_PKG_VERSION"));
    HeaderValue::try_from(tag).ok()
}
