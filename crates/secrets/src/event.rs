//! Events of secrets, for metrics and the audit record.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::name::SecretName;
use crate::origin::Origin;
use crate::version::Stage;
use crate::version_id::VersionId;
use crate::warning::Notice;

/// Counts events.
pub type Recorder = Arc<dyn Fn(&Event) + Send + Sync>;

/// Writes events to a durable audit record. Reads continue when it fails; changes of a secret do not.
pub type AuditSink = Arc<dyn Fn(&Event) -> Result<(), AuditError> + Send + Sync>;

/// The audit sink could not write a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("audit record could not be written")]
pub struct AuditError;

/// An event of a secret. It never contains a value.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[expect(missing_docs, reason = "most fields are named by their types; the others have a sentence")]
pub enum Event {
    /// A secret was found for the first time.
    Resolved { name: SecretName, origin: Origin, version: VersionId },
    /// A secret was read again and is unchanged.
    Confirmed { name: SecretName },
    /// A new value replaced the one in use.
    Changed { name: SecretName, origin: Origin, version: VersionId },
    /// A secret could not be refreshed; the last good value is served for as long as [`Health::expires_in`](crate::Health) says.
    RefreshFailed { name: SecretName, error: Error, expires_in: Option<Duration> },
    /// A warning, reported when it first appears.
    Notice(Notice),
    /// The audit sink failed on the event before this one.
    AuditLost,
    /// One call of AWS Secrets Manager, including the SDK's retries; `outcome` is `ok` or the kind of failure.
    ApiCall { operation: &'static str, outcome: &'static str, elapsed: Duration },
    /// A change of a source: recorded before it is made, and again with its outcome.
    Mutation { name: SecretName, origin: Origin, change: Change, progress: Progress },
    /// An emergency rotation started, for the operator's `reason`.
    EmergencyRotation { name: SecretName, revoked: VersionId, reason: String },
    /// The versions that are accepted beside the current one changed.
    AcceptedVersions { name: SecretName, pending: Option<VersionId>, previous: Option<VersionId> },
    /// Uses of the previous value since the last report. A value in use cannot be retired.
    PreviousUsed { name: SecretName, count: u64 },
    /// Reads by a component since the last report: of a confirmed value, of an unconfirmed one, and without a value.
    Reads { name: SecretName, component: &'static str, fresh: u64, stale: u64, failed: u64 },
    /// A component opened a handle.
    HandleOpened { name: SecretName, component: &'static str },
}

/// A change of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are named by their types")]
pub enum Change {
    /// A new secret with its first version.
    Create(VersionId),
    /// A new version under a label.
    Put(VersionId, Stage),
    /// `to` replaces `from` as the current version.
    Promote { to: VersionId, from: VersionId },
    /// A label is removed from a version.
    Unlabel(VersionId, Stage),
    /// Deletion after a recovery window; `None` deletes at once.
    Delete { days: Option<u8> },
    /// A deletion is cancelled.
    Restore,
    /// A tag is set.
    Tag { key: String },
}

/// The progress of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The change is about to be made.
    Intended,
    /// The change was made.
    Done,
    /// The change was refused or is unconfirmed, with the kind of failure.
    Failed(&'static str),
}
