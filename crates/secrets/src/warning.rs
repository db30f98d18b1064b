//! What an operator should know though nothing is refused.

use crate::fault::{Breach, Fault};
use crate::name::SecretName;
use crate::origin::Origin;

/// Something that is accepted and should be put right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// A form that production refuses.
    #[error("{0}")]
    Form(Fault),
    /// A form that would be refused on a disk, and is how a memory or read-only mount comes.
    #[error("{0}, which its mount makes harmless enough")]
    Mount(Fault),
    /// A rule that production enforces.
    #[error("{0}")]
    Rule(Breach),
    /// Compose writes an empty string for a variable that is not set.
    #[error("is empty and was taken as unset")]
    EmptyVariable,
    /// A rotation is announced and its other version cannot be read: what is signed with that is refused here.
    #[error("has another version announced, which cannot be read")]
    BesideUnread,
    /// A later place has another value: a forgotten variable blocks every rotation there.
    #[error("hides another value, in {place}: remove one of the two")]
    HidesAnother {
        /// The later place.
        place: Origin,
    },
}

/// A warning and what it is about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("secret {name} in {origin} {warning}")]
pub struct Notice {
    /// The secret.
    pub name: SecretName,
    /// The place.
    pub origin: Origin,
    /// What to put right.
    pub warning: Warning,
}
