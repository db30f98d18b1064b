//! Failures of calls, whatever a call is for.

use std::time::Duration;

use domain::Symbol;
use outbound::BodyError;
use telemetry::traces::Span;

use crate::error::whole_seconds;
use crate::stats::count;
use crate::{Denial, Error, Fault, Outage, Stats};

/// Pause before a failed vendor should be called again.
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
    /// Leaves out the text of the library's error, because it contains the URL.
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
            Self::NotFound => Error::unknown_to_vendor(symbol),
            Self::Bad(fault) => Error::BadData { symbol, fault },
            Self::OutOfQuota(_) | Self::RateLimited(_) | Self::Denied(_) | Self::Outage(_) => {
                self.for_probe()
            }
        }
    }

    /// Whether the vendor may have a response later.
    pub(crate) fn is_outage(&self) -> bool {
        matches!(self, Self::OutOfQuota(_) | Self::RateLimited(_) | Self::Outage(_))
    }

    /// The error of a probe: an unusable response counts as an outage.
    pub(super) fn for_probe(self) -> Error {
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

/// Ends the span of a call.
pub(super) fn end_span(mut span: Span, outcome: &Result<Vec<u8>, CallError>) {
    let status = match outcome {
        Ok(_) => 200,
        Err(CallError::NotFound) => 404,
        Err(CallError::RateLimited(_)) => 429,
        Err(CallError::Denied(Denial::KeyRefused)) => 401,
        Err(CallError::Denied(Denial::NotInPlan)) => 403,
        Err(CallError::Outage(Outage::Status(status))) => i64::from(*status),
        Err(CallError::OutOfQuota(_) | CallError::Denied(_) | CallError::Outage(_) | CallError::Bad(_)) => 0,
    };
    if status != 0 {
        span.set("http.response.status_code", status);
    }
    match outcome {
        Ok(_) => {}
        Err(CallError::Outage(Outage::Timeout)) => span.fail("timeout"),
        Err(CallError::Bad(_)) => span.fail("bad_data"),
        Err(_) if status != 0 => span.fail(status.to_string()),
        Err(_) => span.fail("broken"),
    }
}

/// Counts a failed call; a successful call is counted when its response is parsed.
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
