//! Warnings: problems of secrets that were not refused.

use crate::invalid::{InvalidReason, PolicyViolation};
use crate::name::SecretName;
use crate::origin::Origin;

/// A problem of an accepted value. The message follows "secret NAME in ORIGIN".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum Warning {
    /// Refused in production.
    #[error("{0}")]
    Invalid(InvalidReason),
    /// Refused on a disk, and usual on a memory or read-only mount.
    #[error("{0}; accepted on a memory or read-only mount")]
    Mount(InvalidReason),
    /// Refused in production.
    #[error("{0}")]
    Policy(PolicyViolation),
    /// Refused in production.
    #[error("is empty and was treated as unset")]
    Empty,
    /// This process refuses signatures of that version.
    #[error("has another announced version, which cannot be read")]
    OverlapVersionUnreadable,
    /// Rotations in the later source have no effect.
    #[error("shadows another value, in {origin}: remove one of the two")]
    ShadowsOther { origin: Origin },
}

/// A warning about one secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("secret {name} in {origin} {warning}")]
#[expect(missing_docs, reason = "the fields are named by their types")]
pub struct Notice {
    pub name: SecretName,
    pub origin: Origin,
    pub warning: Warning,
}
