//! News about a symbol, with the tone that the vendor assigned.

use serde::{Deserialize, Serialize};

/// The tone of a news item for one ticker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Tone {
    /// Good for the company.
    Positive,
    /// Neither good nor bad.
    Neutral,
    /// Bad for the company.
    Negative,
}

/// One item of news.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewsItem {
    /// Id assigned by the vendor.
    pub id: String,
    /// Time of publication, in seconds since 1970.
    pub published_unix_s: i64,
    /// Name of the publisher; items of one publisher count as one source.
    pub publisher: String,
    /// Headline.
    pub title: String,
    /// The vendor's tone for this ticker, if it assigned one.
    pub tone: Option<Tone>,
}
