//! Where an answer's data comes from, how old it is, and what is wrong or missing in it.

use http::HeaderValue;
use market_data::{Freshness, Missing, Part, Quality, RefusedRow, Snapshot};
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// Where an answer's data comes from.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Provenance<'a> {
    /// `bundled sample`, `csv directory`, `polygon`, or `request` for one's own bars.
    #[schema(value_type = String, example = "bundled sample")]
    pub data_source: &'static str,
    /// When the data was fetched; null for what is built into the program.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub fetched_at: Option<String>,
    /// Whether the data is older than its source promises, because fetching it again has failed or is under way.
    pub stale: bool,
    /// How old stale data is, in seconds; absent when it is fresh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_s: Option<u64>,
    /// Rows that were not used, and parts that are missing.
    pub data_quality: DataQuality<'a>,
}

/// Rows that were not used, and parts that are missing. Nothing is repaired and nothing is guessed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DataQuality<'a> {
    /// How many rows were refused.
    pub refused_total: usize,
    /// The first hundred of them.
    #[schema(value_type = Vec<Refused>)]
    pub refused: &'a [RefusedRow],
    /// Limits of the source, in sentences.
    #[schema(value_type = Vec<String>)]
    pub notes: &'a [&'static str],
    /// Parts that are not here.
    #[serde(serialize_with = "missing")]
    #[schema(value_type = Vec<MissingPart>)]
    pub missing: &'a [Missing],
}

/// How a refused row is written.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read by the derived schema alone")]
struct Refused {
    /// Line of the file, from 1; the header is line 1.
    line: Option<usize>,
    /// Position in the input, from 0.
    position: Option<usize>,
    /// Its date, where it has one.
    #[schema(required, format = Date)]
    date: Option<String>,
    /// Why it is not used, such as `not_positive` or `duplicate_date`.
    reason: String,
}

/// A part that is not here.
#[derive(Serialize, ToSchema)]
struct MissingPart {
    /// `details`, `financials` or `news`.
    #[schema(value_type = String)]
    part: Part,
    /// Why: `not_in_source` when the source has no such data, else `failed`.
    #[schema(value_type = String)]
    reason: &'static str,
}

fn missing<S: Serializer>(parts: &&[Missing], serializer: S) -> Result<S::Ok, S::Error> {
    let mut out = serializer.serialize_seq(Some(parts.len()))?;
    for Missing { part, error } in parts.iter() {
        let reason = if error.is_some() { "failed" } else { "not_in_source" };
        out.serialize_element(&MissingPart { part: *part, reason })?;
    }
    out.end()
}

impl<'a> Provenance<'a> {
    /// The provenance of a snapshot.
    #[must_use]
    pub fn of(snapshot: &'a Snapshot) -> Self {
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
    /// What is wrong and what is missing.
    #[must_use]
    pub fn new(quality: &'a Quality, missing: &'a [Missing]) -> Self {
        let Quality { refused_total, refused, notes } = quality;
        Self { refused_total: *refused_total, refused, notes, missing }
    }
}

fn fetched_at(snapshot: &Snapshot) -> Option<String> {
    let instant = jiff::Timestamp::from_millisecond(snapshot.fetched_at_unix_ms?).ok()?;
    Some(instant.to_string())
}

/// A strong tag for an answer made of this data, of `question` and of this program. Stale data has none: its answers
/// hold an age, and so are never the same.
pub(super) fn etag(snapshot: &Snapshot, question: &str) -> Option<HeaderValue> {
    let Snapshot { version, fetched_at_unix_ms, .. } = snapshot;
    if snapshot.is_stale() {
        return None;
    }
    let fetched = fetched_at_unix_ms.unwrap_or_default();
    let tag = format!("\"{version:016x}-{fetched:x}-{question}-{}\"", env!("CARGO_PKG_VERSION"));
    HeaderValue::try_from(tag).ok()
}
