//! How a call ended when it did not bring an answer, before it is known what the call was for.

use std::time::Duration;

use domain::Symbol;

use crate::stats::count;
use crate::{Denial, Error, Fault, Outage, Stats};

/// Pause before a vendor that failed is worth asking again.
const OUTAGE_RETRY_AFTER_S: u32 = 5;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallError {
    /// 404.
    NotFound,
    /// Our own count is used up; the call was not made.
    OutOfQuota(Duration),
    /// 429.
    Limited(Duration),
    Denied(Denial),
    Outage(Outage),
    Bad(Fault),
}

impl CallError {
    /// The library's error without its text, which holds the URL.
    pub(super) fn of(error: &reqwest::Error) -> Self {
        Self::Outage(if error.is_timeout() {
            Outage::Timeout
        } else if error.is_connect() {
            Outage::Connect
        } else {
            Outage::Broken
        })
    }

    /// The failure as one of `symbol`.
    pub(crate) fn about(self, symbol: Symbol) -> Error {
        match self {
            Self::NotFound => Error::UnknownSymbol { symbol },
            Self::OutOfQuota(wait) | Self::Limited(wait) => {
                Error::QuotaExhausted { retry_after_s: whole_seconds(wait) }
            }
            Self::Denied(denial) => Error::Denied(denial),
            Self::Outage(kind) => Error::Unavailable { kind, retry_after_s: retry_after_s(kind) },
            Self::Bad(fault) => Error::BadData { symbol, fault },
        }
    }

    /// The failure as one of the vendor: an answer that cannot be used is an outage then.
    pub(super) fn about_the_vendor(self) -> Error {
        match self {
            Self::OutOfQuota(wait) | Self::Limited(wait) => {
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

/// Counts one exchange with the vendor that brought nothing; one that did is counted when its answer was read.
pub(super) fn count_call(stats: &Stats, outcome: &Result<Vec<u8>, CallError>) {
    count(match outcome {
        Ok(_) => return,
        Err(CallError::NotFound) => &stats.calls_not_found,
        Err(CallError::OutOfQuota(_)) => &stats.quota_refusals,
        Err(CallError::Limited(_)) => &stats.calls_limited,
        Err(CallError::Denied(_)) => &stats.calls_denied,
        Err(CallError::Outage(Outage::Timeout)) => &stats.calls_timed_out,
        Err(CallError::Outage(Outage::Connect | Outage::Broken)) => &stats.calls_broken,
        Err(CallError::Outage(Outage::Status(_) | Outage::Busy | Outage::Internal)) => &stats.calls_failed,
        Err(CallError::Bad(_)) => &stats.calls_bad_data,
    });
}
