//! How far a secret's value can be trusted.

use std::time::Duration;

use crate::error::{Error, ErrorKind};

/// How far a value can be trusted to be the current value of its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// The source confirmed the value at the last read.
    Fresh,
    /// The source has not confirmed the value for `age`.
    Stale {
        /// Time since the last confirmation.
        age: Duration,
        /// Reason.
        why: ErrorKind,
    },
    /// The value is no longer served.
    Expired,
    /// There is no value.
    Absent,
}

/// The state of a secret, for readiness and metrics.
#[derive(Clone, Debug)]
pub struct Health {
    /// How far the value can be trusted.
    pub freshness: Freshness,
    /// Time since the source last confirmed it; `None` when there is no value.
    pub confirmed_ago: Option<Duration>,
    /// The error of the last refresh, if it failed.
    pub last_error: Option<Error>,
    /// After a failed refresh, for how much longer the last good value is served unless the source confirms it: zero when it
    /// expired, `None` without a limit.
    pub expires_in: Option<Duration>,
}
