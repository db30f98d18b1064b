//! Why there is no market data for a symbol, in words that carry no text of the vendor.

use domain::Symbol;
use serde::Serialize;

use crate::{Place, RefusedRow};

/// Most rows that are named when none can be used.
pub const FIRST_ROWS_MAX: usize = 5;

/// Why a symbol's data could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The source knows no such symbol.
    #[error("there is no data for {symbol}")]
    UnknownSymbol {
        /// The symbol asked for.
        symbol: Symbol,
    },
    /// Our plan allows no further call for a while, by our own count or by the vendor's word.
    #[error("the data vendor's call quota is used up for {retry_after_s} s")]
    QuotaExhausted {
        /// Seconds until a call is worth trying; at least 1.
        retry_after_s: u32,
    },
    /// The vendor could not be reached or could not answer.
    #[error("the data source is unavailable: {kind}")]
    Unavailable {
        /// What happened.
        kind: Outage,
        /// Seconds until a call is worth trying; at least 1.
        retry_after_s: u32,
    },
    /// The vendor does not serve us.
    #[error("the data vendor refused: {0}")]
    Denied(Denial),
    /// An answer or a file came, and cannot be used.
    #[error("the data of {symbol} cannot be used: {fault}")]
    BadData {
        /// The symbol asked for.
        symbol: Symbol,
        /// What is wrong with it.
        fault: Fault,
    },
}

/// What kept the source from answering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outage {
    /// No connection could be made.
    #[error("no connection")]
    Connect,
    /// The answer did not come in time.
    #[error("no answer in time")]
    Timeout,
    /// The connection broke within the answer.
    #[error("the answer broke off")]
    Broken,
    /// The vendor answered that it has failed (5xx), or with a status that its documents do not name.
    #[error("the vendor answered with status {0}")]
    Status(u16),
    /// Too many calls are in flight here.
    #[error("too many calls are in flight")]
    Busy,
    /// A fetch of ours ended in a panic, or the directory cannot be read.
    #[error("an internal failure")]
    Internal,
}

/// Why the vendor does not serve us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Denial {
    /// No key is configured, or it went away.
    #[error("no key is configured")]
    NoKey,
    /// The key is not accepted (401).
    #[error("the key is not accepted")]
    KeyRefused,
    /// The plan does not include the data (403).
    #[error("the plan does not include this data")]
    NotInPlan,
}

/// What is wrong with an answer or a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Not the JSON that the vendor documents; a truncated answer too.
    #[error("the answer is not the documented JSON")]
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
    /// The next page lies on another scheme, host or port than the configured one.
    #[error("the next page lies elsewhere")]
    ForeignPage,
    /// The vendor sent us elsewhere, and we do not follow.
    #[error("the vendor redirects")]
    Redirect,
    /// The vendor answers for another symbol.
    #[error("the answer is about another symbol")]
    OtherSymbol,
    /// No bar is left to compute on.
    #[error("no usable bar")]
    NoBars,
    /// A file has rows, and none of them can be used.
    #[error("none of its {refused_total} rows can be used: {}", first_rows(first))]
    NoUsableRow {
        /// How many rows there are.
        refused_total: usize,
        /// The first of them: at most [`FIRST_ROWS_MAX`].
        first: Vec<RefusedRow>,
    },
    /// The first line of a CSV file is not one of the two headers.
    #[error("the first line is not date,open,high,low,close,volume[,adj_close]")]
    Header,
}

/// The rows by their places, with their reasons.
fn first_rows(rows: &[RefusedRow]) -> String {
    let told = |row: &RefusedRow| match row.place {
        Place::Line { line } => format!("line {line} ({})", row.reason.as_str()),
        Place::Position { position } => format!("row {position} ({})", row.reason.as_str()),
    };
    rows.iter().map(told).collect::<Vec<_>>().join(", ")
}

impl Error {
    /// Seconds after which another try may help; `None` when none will.
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
