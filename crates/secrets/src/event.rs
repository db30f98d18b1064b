//! What happens to secrets, told to whoever counts or records it.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::name::SecretName;
use crate::origin::Origin;
use crate::version::{Stage, VersionId};
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
    /// A service was asked, however often it took to get an answer.
    Asked {
        /// What for, in the service's word.
        operation: &'static str,
        /// `ok`, or what kind of failure.
        outcome: &'static str,
        /// How long it took.
        took: Duration,
    },
    /// A change that we make to a place: told before it is made, and again when its outcome is known.
    Mutation {
        /// The secret.
        name: SecretName,
        /// The place.
        origin: Origin,
        /// The change.
        change: Change,
        /// How far it is.
        progress: Progress,
    },
    /// A rotation without overlap, and why.
    Emergency {
        /// The secret.
        name: SecretName,
        /// The version that is accepted no longer.
        denied: VersionId,
        /// The operator's reason.
        reason: String,
    },
    /// Other versions are accepted beside the one in use than before.
    Accepting {
        /// The secret.
        name: SecretName,
        /// The one about to take over.
        pending: Option<VersionId>,
        /// The one before.
        previous: Option<VersionId>,
    },
    /// Someone proved themselves with the value before: while this goes on it cannot be retired.
    PreviousUsed {
        /// The secret.
        name: SecretName,
        /// How often since this was last told.
        times: u64,
    },
    /// How often a component read a secret since this was last told.
    Read {
        /// The secret.
        name: SecretName,
        /// The component.
        by: &'static str,
        /// Reads of a confirmed value.
        fresh: u64,
        /// Reads of a value that its source does not confirm.
        stale: u64,
        /// Reads that got none.
        failed: u64,
    },
    /// A component took a handle.
    Handed {
        /// The secret.
        name: SecretName,
        /// The component.
        to: &'static str,
    },
}

/// A change that we make to a place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A new secret, with its first version.
    Create(VersionId),
    /// A new version under a label.
    Put(VersionId, Stage),
    /// A version takes over.
    Promote {
        /// The one that takes over.
        to: VersionId,
        /// The one that it replaces.
        from: VersionId,
    },
    /// A label is taken off a version.
    Unlabel(VersionId, Stage),
    /// What replicas are told of a rotation.
    Announce,
    /// Deletion after so many days.
    Delete {
        /// The days; none is at once.
        days: Option<u8>,
    },
    /// Deletion is called off.
    Restore,
    /// A tag, which tells people and tools something about the secret.
    Tag {
        /// Its key.
        key: String,
    },
}

/// How far a change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// About to be made.
    Intended,
    /// Made.
    Done,
    /// Refused or unknown, and how.
    Failed(&'static str),
}
