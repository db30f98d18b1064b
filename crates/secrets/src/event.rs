//! What happens to secrets, told to whoever counts or records it.

use std::sync::Arc;

use crate::error::Error;
use crate::name::SecretName;
use crate::origin::Origin;
use crate::version::VersionId;
use crate::warning::Notice;

/// Counts events.
pub type Recorder = Arc<dyn Fn(&Event) + Send + Sync>;

/// Records events where they cannot be denied later. Reads go on when it fails; changes that we make do not.
pub type AuditSink = Arc<dyn Fn(&Event) -> Result<(), AuditFailed> + Send + Sync>;

/// The audit sink could not keep a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the audit record could not be kept")]
pub struct AuditFailed;

/// Something that happened to a secret. It never holds a value.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// Found for the first time.
    Resolved {
        /// The secret.
        name: SecretName,
        /// The place.
        origin: Origin,
        /// The version.
        version: VersionId,
    },
    /// Looked for again and unchanged.
    Confirmed {
        /// The secret.
        name: SecretName,
    },
    /// A new value took over.
    Changed {
        /// The secret.
        name: SecretName,
        /// The place.
        origin: Origin,
        /// The new version.
        version: VersionId,
    },
    /// Looking again failed; `error` says how, and the last good value is served for as long as it may be.
    RefreshFailed {
        /// The secret.
        name: SecretName,
        /// The failure.
        error: Error,
    },
    /// Something to put right.
    Noticed(Notice),
    /// The audit sink failed; what it should have kept came just before.
    AuditLost,
    /// A component took a handle.
    Handed {
        /// The secret.
        name: SecretName,
        /// The component.
        to: &'static str,
    },
}
