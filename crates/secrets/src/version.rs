//! One version of a secret: its value, origin and time of creation.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::invalid::InvalidReason;
use crate::json;
use crate::origin::Provenance;
use crate::value::SecretValue;
use crate::version_id::VersionId;

/// The stage of a version in a rotation, named as in AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Accepted, not yet used for signing.
    Pending,
    /// In use.
    Current,
    /// Accepted until its deadline.
    Previous,
}

/// The creation time of a version, by origin of the information.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Created {
    /// Reported by AWS.
    Aws(SystemTime),
    /// The file's modification time, which a copy may have changed.
    Modified(SystemTime),
    /// An environment variable has no age.
    Unknown,
}

/// One version of a secret.
#[derive(Clone)]
pub struct SecretVersion {
    pub(crate) id: VersionId,
    pub(crate) stage: Stage,
    pub(crate) created: Created,
    pub(crate) value: SecretValue,
    pub(crate) provenance: Arc<Provenance>,
}

impl Created {
    pub(crate) fn at(self) -> Option<SystemTime> {
        match self {
            Self::Aws(at) | Self::Modified(at) => Some(at),
            Self::Unknown => None,
        }
    }
}

#[expect(missing_docs, reason = "getters of the fields")]
impl SecretVersion {
    #[must_use]
    pub fn id(&self) -> &VersionId {
        &self.id
    }

    #[must_use]
    pub fn stage(&self) -> Stage {
        self.stage
    }

    #[must_use]
    pub fn value(&self) -> &SecretValue {
        &self.value
    }

    #[must_use]
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// A text or number of a JSON secret, by JSON pointer such as `/password`. Read related fields from one version, so that
    /// a user name is never combined with the password of another version.
    ///
    /// # Errors
    /// [`InvalidReason`] when the secret is not a JSON object or has no text or number there.
    pub fn field(&self, pointer: &'static str) -> Result<SecretValue, InvalidReason> {
        json::field(self.value.expose_text().ok_or(InvalidReason::NotUtf8)?, pointer)
    }
}

impl fmt::Debug for SecretVersion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SecretVersion")
            .field("id", &self.id)
            .field("stage", &self.stage)
            .field("value", &self.value)
            .field("origin", &self.provenance.origin)
            .finish_non_exhaustive()
    }
}
