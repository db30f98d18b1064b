//! The vendor's JSON, by its documentation and the tests of its own client. Every field may be absent; unknown fields are
//! ignored.

use std::collections::BTreeMap;

use serde::Deserialize;

/// `/v2/aggs/ticker/{T}/range/…`. Without results the field may be absent, null or empty.
#[derive(Debug, Deserialize)]
pub(super) struct Aggregates {
    pub(super) ticker: Option<String>,
    pub(super) adjusted: Option<bool>,
    pub(super) results: Option<Vec<Aggregate>>,
    pub(super) next_url: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Aggregate {
    /// Start of the bar, milliseconds since 1970.
    pub(super) t: Option<i64>,
    pub(super) o: Option<f64>,
    pub(super) h: Option<f64>,
    pub(super) l: Option<f64>,
    pub(super) c: Option<f64>,
    pub(super) v: Option<f64>,
}

/// A response whose results are of one type.
#[derive(Debug, Deserialize)]
pub(super) struct Results<T> {
    pub(super) results: Option<T>,
}

/// `/v3/reference/tickers/{T}`.
#[derive(Debug, Deserialize)]
pub(super) struct Details {
    pub(super) ticker: Option<String>,
    pub(super) name: Option<String>,
}

/// `/vX/reference/financials`.
#[derive(Debug, Deserialize)]
pub(super) struct Financial {
    pub(super) start_date: Option<String>,
    pub(super) end_date: Option<String>,
    pub(super) filing_date: Option<String>,
    pub(super) fiscal_period: Option<String>,
    pub(super) fiscal_year: Option<String>,
    pub(super) timeframe: Option<String>,
    pub(super) source_filing_url: Option<String>,
    #[serde(default)]
    pub(super) financials: Statements,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Statements {
    #[serde(default)]
    pub(super) balance_sheet: Statement,
    #[serde(default)]
    pub(super) income_statement: Statement,
    #[serde(default)]
    pub(super) cash_flow_statement: Statement,
}

pub(super) type Statement = BTreeMap<String, Line>;

#[derive(Debug, Deserialize)]
pub(super) struct Line {
    pub(super) value: Option<f64>,
}

/// `/v2/reference/news`.
#[derive(Debug, Deserialize)]
pub(super) struct Article {
    pub(super) id: Option<String>,
    pub(super) title: Option<String>,
    pub(super) published_utc: Option<String>,
    pub(super) publisher: Option<Publisher>,
    pub(super) insights: Option<Vec<Insight>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Publisher {
    pub(super) name: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Insight {
    pub(super) ticker: Option<String>,
    pub(super) sentiment: Option<String>,
}
