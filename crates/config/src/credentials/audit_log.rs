//! Logs the events of secrets under the target `audit`, so that they can be shipped separately. Values are never logged.
//!
//! Unchanged secrets and repeated failures have the level debug, because an outage would otherwise fill the log.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrets::{AuditSink, Error, ErrorKind, Event, SecretName, VersionId, Warning};

/// The target of every log line.
const AUDIT: &str = "audit";

/// A sink that writes to the log, and never fails.
#[must_use]
pub(crate) fn sink() -> AuditSink {
    let failing = Failing::default();
    Arc::new(move |event| {
        write(event, &failing);
        Ok(())
    })
}

/// The last failure of each secret that cannot be refreshed.
#[derive(Default)]
struct Failing(Mutex<BTreeMap<SecretName, FailureState>>);

/// The kind of a failure, and whether the value has expired.
type FailureState = (ErrorKind, bool);

impl Failing {
    /// Whether the last refresh of a secret failed in the same way.
    fn is_known(&self, name: &SecretName, state: FailureState) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), state) == Some(state)
    }

    /// Whether the last refresh had failed.
    fn clear(&self, name: &SecretName) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name).is_some()
    }
}

fn write(event: &Event, failing: &Failing) {
    if let Event::Resolved { name, .. } | Event::Changed { name, .. } | Event::Confirmed { name } = event
        && failing.clear(name)
    {
        tracing::info!(target: AUDIT, secret = %name, "secret refresh works again");
    }
    match event {
        Event::Resolved { name, origin, version } => {
            tracing::info!(target: AUDIT, secret = %name, %origin, %version, "secret resolved");
        }
        Event::Changed { name, origin, version } => {
            tracing::info!(target: AUDIT, secret = %name, %origin, %version, "secret changed");
        }
        Event::AcceptedVersions { name, pending, previous } => {
            let text = |version: &Option<VersionId>| version.as_ref().map(ToString::to_string);
            let (pending, previous) = (text(pending), text(previous));
            tracing::info!(target: AUDIT, secret = %name, pending, previous, "additional secret versions accepted");
        }
        Event::RefreshFailed { name, error, expires_in } => {
            let is_expired = *expires_in == Some(Duration::ZERO);
            let is_known = failing.is_known(name, (error.kind(), is_expired));
            write_failure(name, error, *expires_in, is_known);
        }
        // Usual in a container.
        Event::Notice(notice) if matches!(notice.warning, Warning::Mount(_)) => {
            tracing::debug!(target: AUDIT, secret = %notice.name, %notice, "secret on a mount");
        }
        Event::Notice(notice) => {
            tracing::warn!(target: AUDIT, secret = %notice.name, %notice, "secret needs attention");
        }
        Event::PreviousUsed { name, count } => {
            tracing::info!(target: AUDIT, secret = %name, count, "previous secret version used");
        }
        // A secret that is not set is read for nothing, which is no failure.
        Event::Reads { name, component, fresh: 0, stale: 0, failed } => {
            tracing::debug!(target: AUDIT, secret = %name, component, failed, "secret read without a value");
        }
        Event::Reads { name, component, fresh, stale, failed } => {
            tracing::info!(target: AUDIT, secret = %name, component, fresh, stale, failed, "secret usage");
        }
        Event::Confirmed { name } => tracing::debug!(target: AUDIT, secret = %name, "secret confirmed"),
        Event::HandleOpened { name, component } => {
            tracing::debug!(target: AUDIT, secret = %name, component, "secret handle opened");
        }
        // Other events come only from the operator's command.
        other => tracing::info!(target: AUDIT, event = ?other, "secret event"),
    }
}

fn write_failure(name: &SecretName, error: &Error, expires_in: Option<Duration>, is_known: bool) {
    let (kind, expires_in_s) = (error.kind().as_str(), expires_in.map(|left| left.as_secs()));
    match (is_known, expires_in_s) {
        (true, _) => {
            tracing::debug!(target: AUDIT, secret = %name, kind, expires_in_s, %error, "secret refresh failed again");
        }
        (false, Some(0)) => {
            tracing::error!(target: AUDIT, secret = %name, kind, %error, "secret expired: its last good value is no longer used");
        }
        (false, _) => {
            tracing::warn!(target: AUDIT, secret = %name, kind, expires_in_s, %error, "secret refresh failed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_known_until_it_is_over_or_changes() {
        let (failing, name) = (Failing::default(), "api_keys".parse().unwrap());
        let is_known = |kind, is_expired| failing.is_known(&name, (kind, is_expired));
        let twice = |kind, is_expired| [is_known(kind, is_expired), is_known(kind, is_expired)];
        assert_eq!(twice(ErrorKind::Unavailable, false), [false, true]);
        assert_eq!(twice(ErrorKind::AccessDenied, false), [false, true]);
        assert_eq!(twice(ErrorKind::AccessDenied, true), [false, true], "it expired");
        write(&Event::Confirmed { name: name.clone() }, &failing);
        assert!(!is_known(ErrorKind::AccessDenied, true));
        assert!(failing.clear(&name) && !failing.clear(&name), "the end is logged once");
    }
}
