//! For how long the last good value is served after its source failed.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::Error;
use crate::spec::SecretSpec;

/// The source stopped confirming a value.
#[derive(Clone)]
pub(super) struct RefreshFailure {
    pub(super) error: Error,
    /// `None` for as long as the error lasts.
    pub(super) serve_until: Option<Instant>,
}

impl RefreshFailure {
    /// Of several failures in a row, the earliest deadline applies, so that no failure extends another.
    pub(super) fn new(
        error: Error,
        earlier: Option<&Self>,
        confirmed_at: Instant,
        spec: &SecretSpec,
    ) -> Self {
        let deadlines =
            [earlier.and_then(|earlier| earlier.serve_until), deadline(&error, confirmed_at, spec)];
        Self { error, serve_until: deadlines.into_iter().flatten().min() }
    }

    pub(super) fn is_over(&self) -> bool {
        self.serve_until.is_some_and(|until| Instant::now() >= until)
    }

    pub(super) fn expires_in(&self) -> Option<Duration> {
        Some(self.serve_until?.saturating_duration_since(Instant::now()))
    }
}

/// Until when the last good value is served after `error`; `None` for as long as the error lasts.
fn deadline(error: &Error, confirmed_at: Instant, spec: &SecretSpec) -> Option<Instant> {
    let outage = confirmed_at + spec.stale_max;
    match error {
        // The source still has the secret with a bad value, and a bad value never replaces a good one.
        Error::Invalid { .. } | Error::Policy { .. } | Error::Ambiguous { .. } => None,
        // A deletion and a slip of an operator look the same.
        Error::NotFound { .. }
        | Error::AccessDenied { .. }
        | Error::Deleted { .. }
        | Error::Expired { .. } => Some(outage.min(Instant::now() + spec.grace)),
        Error::Unavailable { .. }
        | Error::Unconfirmed { .. }
        | Error::Exists { .. }
        | Error::NotYet { .. }
        | Error::Plan { .. }
        | Error::ReadOnly { .. }
        | Error::RotationInProgress { .. }
        | Error::VersionConflict { .. }
        | Error::Audit
        | Error::Config(_)
        | Error::Internal { .. } => Some(outage),
    }
}
