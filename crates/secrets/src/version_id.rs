//! The id of one version of a secret.

use std::fmt;
use std::sync::Arc;

/// Number of displayed characters.
const ID_PREFIX_CHARS: usize = 8;

/// The id of a version as assigned by its source, or the fingerprint of its value.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct VersionId(Arc<str>);

impl VersionId {
    pub(crate) fn new(id: &str) -> Self {
        Self(id.into())
    }

    /// The whole id; `Display` prints its first 8 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
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
