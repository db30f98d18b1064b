//! The response of an analysis, with the source of its data.

use analysis::Analysis;
use serde::Serialize;
use utoipa::ToSchema;

use super::Provenance;

/// An explained analysis.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AnalysisResponse<'a> {
    /// The company's name, if it is known.
    #[schema(required, value_type = Option<String>)]
    pub(super) name: Option<&'a str>,
    /// The time of the analysis: when its data was fetched, else the date of its newest bar.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub(super) timestamp: Option<String>,
    #[serde(flatten)]
    pub(super) provenance: Provenance<'a>,
    #[serde(flatten)]
    pub(super) analysis: Analysis,
}

/// Seconds since 1970 as RFC 3339.
pub(super) fn rfc_3339(unix_s: i64) -> Option<String> {
    jiff::Timestamp::from_second(unix_s).ok().map(|instant| instant.to_string())
}
