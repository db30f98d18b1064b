//! How far a secret's value can be trusted.

use std::time::Duration;

use crate::error::{Error, ErrorKind};

/// How far a value can be trusted to be the one that its source has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// The source confirmed it when last asked.
    Fresh,
    /// The source has not confirmed it since `age`.
    Stale {
        /// Time since it was last confirmed.
        age: Duration,
        /// Why it could not be confirmed.
        why: ErrorKind,
    },
    /// It may not be served any longer.
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
}
