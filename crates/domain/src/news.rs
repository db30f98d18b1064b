//! News about a symbol, with the tone that its vendor gave it.

use serde::{Deserialize, Serialize};

/// The tone a vendor gives to an item for one ticker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Good for the company.
    Positive,
    /// Neither.
    Neutral,
    /// Bad for the company.
    Negative,
}

/// One item of news.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewsItem {
    /// The vendor's identifier.
    pub id: String,
    /// Seconds since 1970 at which it was published.
    pub published_unix_s: i64,
    /// Publisher's name: items of one publisher are one source.
    pub publisher: String,
    /// Headline.
    pub title: String,
    /// The vendor's tone for this ticker; `None` when it gave none.
    pub tone: Option<Tone>,
}
