//! Logs the events of secrets under the target `audit`, so that they can be shipped separately. Values are never logged.
//!
//! Unchanged secrets and repeated failures have the level debug, because an outage would otherwise fill the log.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

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
struct Failing(Mutex<BTreeMap<SecretName, ErrorKind>>);

impl Failing {
    /// Whether the last refresh of a secret failed in the same way.
    fn is_known(&self, name: &SecretName, kind: ErrorKind) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), kind) == Some(kind)
    }

    fn clear(&self, name: &SecretName) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

fn write(event: &Event, failing: &Failing) {
    if let Event::Resolved { name, .. } | Event::Changed { name, .. } | Event::Confirmed { name } = event {
        failing.clear(name);
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
        Event::RefreshFailed { name, error } => {
            write_failure(name, error, failing.is_known(name, error.kind()));
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

fn write_failure(name: &SecretName, error: &Error, is_known: bool) {
    let kind = error.kind().as_str();
    if is_known {
        tracing::debug!(target: AUDIT, secret = %name, kind, %error, "secret refresh failed again");
    } else {
        tracing::warn!(target: AUDIT, secret = %name, kind, %error, "secret refresh failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_known_until_it_is_over_or_changes() {
        let (failing, name) = (Failing::default(), "api_keys".parse().unwrap());
        let is_known = |kind| failing.is_known(&name, kind);
        assert_eq!([is_known(ErrorKind::Unavailable), is_known(ErrorKind::Unavailable)], [false, true]);
        assert_eq!([is_known(ErrorKind::AccessDenied), is_known(ErrorKind::AccessDenied)], [false, true]);
        write(&Event::Confirmed { name: name.clone() }, &failing);
        assert!(!is_known(ErrorKind::AccessDenied));
    }
}
