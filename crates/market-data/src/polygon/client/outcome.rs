//! How a call failed, before it is known what the call was for.

use std::time::Duration;

use domain::Symbol;
use outbound::BodyError;

use crate::stats::count;
use crate::{Denial, Error, Fault, Outage, Stats};

/// Pause before a vendor that failed is worth calling again.
const OUTAGE_RETRY_AFTER_S: u32 = 5;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallError {
    NotFound,
    /// Our own quota is used up; the call was not made.
    OutOfQuota(Duration),
    RateLimited(Duration),
    Denied(Denial),
    Outage(Outage),
    Bad(Fault),
}

impl CallError {
    /// The library's error without its text, which holds the URL.
    pub(super) fn from_reqwest(error: &reqwest::Error) -> Self {
        Self::Outage(if error.is_timeout() {
            Outage::Timeout
        } else if error.is_connect() {
            Outage::Connect
        } else {
            Outage::Broken
        })
    }

    /// The error of a call for `symbol`.
    pub(crate) fn for_symbol(self, symbol: Symbol) -> Error {
        match self {
            Self::NotFound => Error::UnknownSymbol { symbol },
            Self::OutOfQuota(wait) | Self::RateLimited(wait) => {
                Error::QuotaExhausted { retry_after_s: whole_seconds(wait) }
            }
            Self::Denied(denial) => Error::Denied(denial),
            Self::Outage(kind) => Error::Unavailable { kind, retry_after_s: retry_after_s(kind) },
            Self::Bad(fault) => Error::BadData { symbol, fault },
        }
    }

    /// The error of a probe: a response that cannot be used counts as an outage.
    pub(super) fn for_vendor(self) -> Error {
        match self {
            Self::OutOfQuota(wait) | Self::RateLimited(wait) => {
                Error::QuotaExhausted { retry_after_s: whole_seconds(wait) }
            }
            Self::Denied(denial) => Error::Denied(denial),
            Self::Outage(kind) => Error::Unavailable { kind, retry_after_s: retry_after_s(kind) },
            Self::Bad(_) | Self::NotFound => {
                Error::Unavailable { kind: Outage::Broken, retry_after_s: OUTAGE_RETRY_AFTER_S }
            }
        }
    }
}

impl From<BodyError> for CallError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge { bytes_max } => Self::Bad(Fault::TooLarge { limit_bytes: bytes_max }),
            BodyError::Connection(error) => Self::from_reqwest(&error),
        }
    }
}

fn retry_after_s(kind: Outage) -> u32 {
    match kind {
        Outage::Busy => 1,
        Outage::Connect | Outage::Timeout | Outage::Broken | Outage::Status(_) | Outage::Internal => {
            OUTAGE_RETRY_AFTER_S
        }
    }
}

/// Rounded up, at least 1.
fn whole_seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX).max(1)
}

/// Counts one failed call; a successful one is counted when its response is parsed.
pub(super) fn count_call(stats: &Stats, outcome: &Result<Vec<u8>, CallError>) {
    count(match outcome {
        Ok(_) => return,
        Err(CallError::NotFound) => &stats.calls_not_found,
        Err(CallError::OutOfQuota(_)) => &stats.quota_refusals,
        Err(CallError::RateLimited(_)) => &stats.calls_limited,
        Err(CallError::Denied(_)) => &stats.calls_denied,
        Err(CallError::Outage(Outage::Timeout)) => &stats.calls_timed_out,
        Err(CallError::Outage(Outage::Connect | Outage::Broken)) => &stats.calls_broken,
        Err(CallError::Outage(Outage::Status(_) | Outage::Busy | Outage::Internal)) => &stats.calls_failed,
        Err(CallError::Bad(_)) => &stats.calls_bad_data,
    });
}
