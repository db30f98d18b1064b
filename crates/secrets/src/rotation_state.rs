//! The rotation of a secret as a source reports it: the versions accepted beside the current one.

use tokio::time::Instant;

use crate::version::SecretVersion;
use crate::version_id::VersionId;

/// The rotation of one secret as a source reports it. `V` is a version, raw or validated.
#[derive(Clone, Debug)]
pub(crate) enum RotationUpdate<V> {
    /// No rotation: a version that is replaced was removed.
    None,
    /// Unknown at the moment: the last state stays in force.
    Unknown,
    Active(Box<RotationState<V>>),
}

/// The versions that are accepted beside the current one, and the revoked versions.
#[derive(Clone, Debug)]
pub(crate) struct RotationState<V> {
    /// The version that is about to take over; it is accepted already.
    pub(crate) pending: Option<V>,
    pub(crate) previous: Option<V>,
    /// Whether the announcement covers the current version. After a manual change it does not, and the previous version
    /// was removed.
    pub(crate) covers_current: bool,
    /// Versions that are never accepted again.
    pub(crate) revoked: Vec<VersionId>,
}

/// A validated version beside the current one.
#[derive(Clone)]
pub(crate) struct VersionState {
    pub(crate) id: VersionId,
    /// `None` when it could not be read this time, or is malformed.
    pub(crate) version: Option<SecretVersion>,
    pub(crate) accepted_until: Option<Instant>,
}
