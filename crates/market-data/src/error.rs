//! Why there is no market data for a symbol, without any text of the vendor's.

use domain::Symbol;
use serde::Serialize;

use crate::{RefusedRow, RowLocation};

/// Most rows that are named when none is usable.
pub(crate) const FIRST_ROWS_MAX: usize = 5;

/// Why a symbol's data could not be loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The source has no such symbol.
    #[error("no data for symbol {symbol}")]
    UnknownSymbol {
        /// The requested symbol.
        symbol: Symbol,
    },
    /// Our plan allows no further call for a while, by our own count or by the vendor's 429.
    #[error("market data call quota exhausted, retry in {retry_after_s} s")]
    QuotaExhausted {
        /// Seconds until a call is worth trying; at least 1.
        retry_after_s: u32,
    },
    /// The source could not be reached, or failed.
    #[error("market data source unavailable: {kind}")]
    Unavailable {
        /// What happened.
        kind: Outage,
        /// Seconds until a call is worth trying; at least 1.
        retry_after_s: u32,
    },
    /// The vendor does not accept our calls.
    #[error("market data vendor denied access: {0}")]
    Denied(Denial),
    /// A response or a file is unusable.
    #[error("invalid data for {symbol}: {fault}")]
    BadData {
        /// The requested symbol.
        symbol: Symbol,
        /// What is wrong with it.
        fault: Fault,
    },
}

/// Why the source is unavailable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outage {
    /// No connection could be made.
    #[error("connection failed")]
    Connect,
    /// The response did not come in time.
    #[error("request timed out")]
    Timeout,
    /// The connection was lost within the response.
    #[error("connection lost")]
    Broken,
    /// A 5xx, or a status that the vendor does not document.
    #[error("unexpected response status {0}")]
    Status(u16),
    /// Too many calls are in flight here.
    #[error("too many calls in flight")]
    Busy,
    /// A fetch panicked, or the directory cannot be read.
    #[error("internal error")]
    Internal,
}

/// Why the vendor does not accept our calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Denial {
    /// No key is configured, or it went away.
    #[error("no API key configured")]
    NoKey,
    /// The key is not accepted (401).
    #[error("API key rejected")]
    KeyRefused,
    /// The plan does not include the data (403).
    #[error("the plan does not include this data")]
    NotInPlan,
}

/// What is wrong with a response or a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Not the JSON that the vendor documents, or truncated.
    #[error("response is not the documented JSON")]
    NotAsDocumented,
    /// More bytes than are read.
    #[error("more than {limit_bytes} bytes")]
    TooLarge {
        /// The bound.
        limit_bytes: usize,
    },
    /// More rows than are used.
    #[error("more than {limit_rows} rows")]
    TooManyRows {
        /// The bound.
        limit_rows: usize,
    },
    /// More pages than are followed.
    #[error("more than {limit_pages} pages")]
    TooManyPages {
        /// The bound.
        limit_pages: usize,
    },
    /// The next page is on another scheme, host or port than the configured one.
    #[error("next page is on another host")]
    ForeignPage,
    /// Redirects are not followed.
    #[error("unexpected redirect")]
    Redirect,
    /// The response is about another symbol.
    #[error("response is about another symbol")]
    OtherSymbol,
    /// No bar is left to compute on.
    #[error("no usable bar")]
    NoBars,
    /// A file has rows, and none of them is usable.
    #[error("none of {refused_total} rows is usable: {}", first_rows(first))]
    NoUsableRow {
        /// How many rows there are.
        refused_total: usize,
        /// The first five of them.
        first: Vec<RefusedRow>,
    },
    /// The first line of a CSV file is not one of the two headers.
    #[error("first line is not date,open,high,low,close,volume[,adj_close]")]
    Header,
}

fn first_rows(rows: &[RefusedRow]) -> String {
    let describe = |row: &RefusedRow| match row.location {
        RowLocation::Line { line } => format!("line {line} ({})", row.reason.as_str()),
        RowLocation::Position { position } => format!("row {position} ({})", row.reason.as_str()),
    };
    rows.iter().map(describe).collect::<Vec<_>>().join(", ")
}

impl Error {
    /// Seconds after which a retry may succeed; `None` when none will.
    #[must_use]
    pub fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::QuotaExhausted { retry_after_s } | Self::Unavailable { retry_after_s, .. } => {
                Some(*retry_after_s)
            }
            Self::UnknownSymbol { .. } | Self::Denied(_) | Self::BadData { .. } => None,
        }
    }

    /// The same failure with another wait, where it has one.
    pub(crate) fn waiting(self, seconds: u32) -> Self {
        match self {
            Self::QuotaExhausted { .. } => Self::QuotaExhausted { retry_after_s: seconds.max(1) },
            Self::Unavailable { kind, .. } => Self::Unavailable { kind, retry_after_s: seconds.max(1) },
            other @ (Self::UnknownSymbol { .. } | Self::Denied(_) | Self::BadData { .. }) => other,
        }
    }
}
