//! The record of what happens to secrets: one log line for each event, under a target of its own, without values.
//!
//! Whoever ships logs can send the target `audit` to a place of its own. What happens each few minutes to every secret
//! and says nothing new is told at the level debug.

use std::sync::Arc;

use secrets::{AuditSink, Event, VersionId};

/// The target of every line.
const AUDIT: &str = "audit";

/// A sink that writes to the log, and so never fails.
#[must_use]
pub fn sink() -> AuditSink {
    Arc::new(|event| {
        write(event);
        Ok(())
    })
}

fn write(event: &Event) {
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
            tracing::warn!(target: AUDIT, secret = %name, kind = error.kind().as_str(), %error, "a search failed");
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
        Event::Asked { operation, outcome, took } => {
            tracing::debug!(target: AUDIT, operation, outcome, took_s = took.as_secs_f64(), "a service was asked");
        }
        // Changes are the operator's command's to make; whatever else there will be is told in full.
        other => tracing::info!(target: AUDIT, event = ?other, "something happened to a secret"),
    }
}

/// A version by its first characters, or nothing.
fn shown(version: Option<&VersionId>) -> Option<String> {
    version.map(ToString::to_string)
}
