//! What a source reports about the rotation of a secret: which versions are accepted beside the current one.

use tokio::time::Instant;

use crate::version::SecretVersion;
use crate::version_id::VersionId;

/// What a source reports about the rotation of one secret. `V` is a version as it was read, or once it is validated.
#[derive(Clone, Debug)]
pub(crate) enum RotationUpdate<V> {
    /// No rotation. A version that is replaced is accepted for the overlap of its class.
    None,
    /// Not known at the moment: the last known state stays in force.
    Unknown,
    Active(Box<RotationState<V>>),
}

/// Which versions are accepted beside the current one, and which are revoked.
#[derive(Clone, Debug)]
pub(crate) struct RotationState<V> {
    /// The version that is about to take over; it is accepted already.
    pub(crate) pending: Option<V>,
    pub(crate) previous: Option<V>,
    /// Whether the announcement covers the current version. After a manual change it does not, and the previous version
    /// is accepted for the overlap of its class.
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
