//! One value of a secret in time.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::fault::Fault;
use crate::json;
use crate::origin::Provenance;
use crate::value::SecretValue;

/// How many characters of a version's id are shown.
const ID_PREFIX_CHARS: usize = 8;

/// What its source calls a version; where the source has no name for it, the value's fingerprint.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct VersionId(Arc<str>);

/// The part a version plays in a rotation, in AWS's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Accepted, not yet used for signing.
    Pending,
    /// In use.
    Current,
    /// Accepted until its deadline.
    Previous,
}

/// When a version was made, and how that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// AWS says so.
    Aws(SystemTime),
    /// The file's modification time, which a copy may have changed.
    Modified(SystemTime),
    /// Made by this process.
    Here(SystemTime),
    /// An environment variable has no age.
    Unknown,
}

/// One value of a secret, with where and when it came from.
#[derive(Clone)]
pub struct SecretVersion {
    pub(crate) id: VersionId,
    pub(crate) stage: Stage,
    pub(crate) created: Created,
    pub(crate) value: SecretValue,
    pub(crate) provenance: Arc<Provenance>,
}

impl VersionId {
    pub(crate) fn new(id: &str) -> Self {
        Self(id.into())
    }

    /// The whole id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Created {
    /// The time, when it is known.
    #[must_use]
    pub fn at(self) -> Option<SystemTime> {
        match self {
            Self::Aws(at) | Self::Modified(at) | Self::Here(at) => Some(at),
            Self::Unknown => None,
        }
    }
}

impl SecretVersion {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &VersionId {
        &self.id
    }

    /// Its part in a rotation.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// When it was made.
    #[must_use]
    pub fn created(&self) -> Created {
        self.created
    }

    /// Its bytes.
    #[must_use]
    pub fn value(&self) -> &SecretValue {
        &self.value
    }

    /// One text or number of a JSON secret, by JSON pointer such as `/password`. Read all fields that belong together
    /// from one version, so that user and password never tear.
    ///
    /// # Errors
    /// [`Fault`] when the secret is no JSON object or holds no text or number there.
    pub fn field(&self, pointer: &'static str) -> Result<SecretValue, Fault> {
        json::field(self.value.expose_text().ok_or(Fault::NotUtf8)?, pointer)
    }

    /// Where it was found.
    #[must_use]
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().take(ID_PREFIX_CHARS).try_for_each(|char| write!(out, "{char}"))
    }
}

impl fmt::Debug for VersionId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
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
