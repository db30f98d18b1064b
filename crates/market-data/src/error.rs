//! Errors of market data. They contain no text of the vendor.

use domain::Symbol;
use serde::Serialize;

use crate::FileFault;

/// Loading the data of a symbol failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The source has no such symbol.
    #[error("no data for symbol {symbol}")]
    UnknownSymbol {
        /// The requested symbol.
        symbol: Symbol,
        /// Symbols that differ in case alone, and may be meant.
        similar: Vec<Symbol>,
    },
    /// The plan allows no further call for a while, by our own count or by a 429 of the vendor.
    #[error("market data call quota exhausted, retry in {retry_after_s} s")]
    QuotaExhausted {
        /// Seconds until a retry may succeed; at least 1.
        retry_after_s: u32,
    },
    /// The source could not be reached, or failed.
    #[error("market data source unavailable: {kind}")]
    Unavailable {
        /// Reason.
        kind: Outage,
        /// Seconds until a retry may succeed; at least 1.
        retry_after_s: u32,
    },
    /// The vendor does not accept our calls.
    #[error("market data vendor denied access: {0}")]
    Denied(Denial),
    /// The file of a symbol is unusable.
    #[error("market data file {file} cannot be used: {fault}")]
    UnusableFile {
        /// The symbol in its name.
        symbol: Symbol,
        /// Its name.
        file: String,
        /// Its fault.
        fault: FileFault,
    },
    /// A response is unusable.
    #[error("invalid data for {symbol}: {fault}")]
    BadData {
        /// The requested symbol.
        symbol: Symbol,
        /// The fault.
        fault: Fault,
    },
}

/// Reasons why the source is unavailable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outage {
    /// The connection failed.
    #[error("connection failed")]
    Connect,
    /// The response timed out.
    #[error("request timed out")]
    Timeout,
    /// The connection was lost while the response was read.
    #[error("connection lost")]
    Broken,
    /// The status is 5xx or not documented by the vendor.
    #[error("unexpected response status {0}")]
    Status(u16),
    /// Too many of our calls are in flight.
    #[error("too many calls in flight")]
    Busy,
    /// A fetch panicked, or the directory cannot be read.
    #[error("internal error")]
    Internal,
}

/// Reasons why the vendor does not accept our calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Denial {
    /// No key is configured.
    #[error("no API key configured")]
    NoKey,
    /// The key is not accepted (401).
    #[error("API key rejected")]
    KeyRefused,
    /// The plan does not include the data (403).
    #[error("the plan does not include this data")]
    NotInPlan,
}

/// Faults of a response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The response is not the documented JSON, or truncated.
    #[error("response is not the documented JSON")]
    NotAsDocumented,
    /// It has too many bytes.
    #[error("more than {limit_bytes} bytes")]
    TooLarge {
        /// The bound.
        limit_bytes: usize,
    },
    /// It has too many rows.
    #[error("more than {limit_rows} rows")]
    TooManyRows {
        /// The bound.
        limit_rows: usize,
    },
    /// The response has too many pages.
    #[error("more than {limit_pages} pages")]
    TooManyPages {
        /// The bound.
        limit_pages: usize,
    },
    /// The next page is on another scheme, host or port than the configured one.
    #[error("next page is on another host")]
    ForeignPage,
    /// The response is a redirect, which is not followed.
    #[error("unexpected redirect")]
    Redirect,
    /// The response is about another symbol.
    #[error("response is about another symbol")]
    OtherSymbol,
    /// There is no usable bar.
    #[error("no usable bar")]
    NoBars,
}

/// Rounded up and at least 1, so that a client that waits this long does not come too early.
pub(crate) fn whole_seconds(wait: std::time::Duration) -> u32 {
    u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX).max(1)
}

impl Error {
    /// Seconds after which a retry may succeed; `None` when none will.
    #[must_use]
    pub fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::QuotaExhausted { retry_after_s } | Self::Unavailable { retry_after_s, .. } => {
                Some(*retry_after_s)
            }
            Self::UnknownSymbol { .. }
            | Self::Denied(_)
            | Self::UnusableFile { .. }
            | Self::BadData { .. } => None,
        }
    }

    /// A vendor that lists no symbols does not have this one, as it is written. In upper case it may.
    pub(crate) fn unknown_to_vendor(symbol: Symbol) -> Self {
        let upper_case = symbol.to_upper_case();
        let similar = if upper_case == symbol { Vec::new() } else { vec![upper_case] };
        Self::UnknownSymbol { symbol, similar }
    }

    /// Replaces the wait of a failure that has one.
    pub(crate) fn waiting(self, seconds: u32) -> Self {
        match self {
            Self::QuotaExhausted { .. } => Self::QuotaExhausted { retry_after_s: seconds },
            Self::Unavailable { kind, .. } => Self::Unavailable { kind, retry_after_s: seconds },
            other @ (Self::UnknownSymbol { .. }
            | Self::Denied(_)
            | Self::UnusableFile { .. }
            | Self::BadData { .. }) => other,
        }
    }
}
