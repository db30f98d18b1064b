//! The record of what happens to secrets: one log line for each event, under a target of its own, without values.
//!
//! Whoever ships logs can send the target `audit` to a place of its own. What says nothing new is told at the level
//! debug: that a secret is as it was, and that it still cannot be looked for, which an outage would otherwise say of
//! every secret at each attempt.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use secrets::{AuditSink, Error, Event, Kind, SecretName, VersionId};

/// The target of every line.
const AUDIT: &str = "audit";

/// A sink that writes to the log, and so never fails.
#[must_use]
pub fn sink() -> AuditSink {
    let failing = Failing::default();
    Arc::new(move |event| {
        write(event, &failing);
        Ok(())
    })
}

/// How each secret that cannot be looked for failed last.
#[derive(Default)]
struct Failing(Mutex<BTreeMap<SecretName, Kind>>);

impl Failing {
    /// Whether a secret failed so already when it was last looked for.
    fn is_known(&self, name: &SecretName, kind: Kind) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), kind) == Some(kind)
    }

    fn is_over(&self, name: &SecretName) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

fn write(event: &Event, failing: &Failing) {
    if let Event::Resolved { name, .. } | Event::Changed { name, .. } | Event::Confirmed { name } = event {
        failing.is_over(name);
    }
    match event {
        Event::Resolved { name, origin, version } => {
            tracing::info!(target: AUDIT, secret = %name, %origin, %version, "a secret was found");
        }
        Event::Changed { name, origin, version } => {
            tracing::info!(target: AUDIT, secret = %name, %origin, %version, "a secret changed");
        }
        Event::Accepting { name, pending, previous } => {
            let (pending, previous) = (shown(pending.as_ref()), shown(previous.as_ref()));
            tracing::info!(target: AUDIT, secret = %name, pending, previous, "other versions are accepted, too");
        }
        Event::RefreshFailed { name, error } => {
            write_failure(name, error, failing.is_known(name, error.kind()));
        }
        Event::Noticed(notice) => {
            tracing::warn!(target: AUDIT, secret = %notice.name, %notice, "put this right");
        }
        Event::PreviousUsed { name, times } => {
            tracing::info!(target: AUDIT, secret = %name, times, "the value before was used");
        }
        Event::Read { name, by, fresh, stale, failed } => {
            tracing::info!(target: AUDIT, secret = %name, by, fresh, stale, failed, "a secret was read");
        }
        Event::Confirmed { name } => tracing::debug!(target: AUDIT, secret = %name, "a secret was confirmed"),
        Event::Handed { name, to } => {
            tracing::debug!(target: AUDIT, secret = %name, to, "a component took a handle");
        }
        // Changes are the operator's command's to make; whatever else there will be is told in full.
        other => tracing::info!(target: AUDIT, event = ?other, "something happened to a secret"),
    }
}

/// A version by its first characters, or nothing.
fn shown(version: Option<&VersionId>) -> Option<String> {
    version.map(ToString::to_string)
}

fn write_failure(name: &SecretName, error: &Error, is_known: bool) {
    let kind = error.kind().as_str();
    if is_known {
        tracing::debug!(target: AUDIT, secret = %name, kind, %error, "a search failed again");
    } else {
        tracing::warn!(target: AUDIT, secret = %name, kind, %error, "a search failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_new_until_it_is_over_or_another_one() {
        let (failing, name) = (Failing::default(), "api_keys".parse().unwrap());
        let is_known = |kind| failing.is_known(&name, kind);
        assert_eq!([is_known(Kind::Unavailable), is_known(Kind::Unavailable)], [false, true]);
        assert_eq!([is_known(Kind::AccessDenied), is_known(Kind::AccessDenied)], [false, true]);
        write(&Event::Confirmed { name: name.clone() }, &failing);
        assert!(!is_known(Kind::AccessDenied));
    }
}
