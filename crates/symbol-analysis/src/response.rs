//! An analysis, with the source of its data.

use analysis::Analysis;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Provenance;

/// An explained analysis.
#[derive(Debug, Serialize, ToSchema)]
pub struct AnalysisResponse<'a> {
    /// The company's name, if it is known.
    #[schema(required, value_type = Option<String>)]
    pub name: Option<&'a str>,
    /// The time of the analysis: when its data was fetched, else the date of its newest bar.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub timestamp: Option<String>,
    /// Where its data comes from.
    #[serde(flatten)]
    pub provenance: Provenance<'a>,
    /// The analysis.
    #[serde(flatten)]
    pub analysis: Analysis,
}

impl<'a> AnalysisResponse<'a> {
    /// An analysis as of `now_unix_s`, in seconds since 1970.
    #[must_use]
    pub fn new(
        name: Option<&'a str>,
        now_unix_s: i64,
        provenance: Provenance<'a>,
        analysis: Analysis,
    ) -> Self {
        let timestamp = jiff::Timestamp::from_second(now_unix_s).ok().map(|instant| instant.to_string());
        Self { name, timestamp, provenance, analysis }
    }
}
