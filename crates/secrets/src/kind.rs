//! The kinds of errors: what is counted, and what decides.

/// An [`Error`] without its particulars: the label of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is the error of the same name")]
pub enum Kind {
    NotFound,
    Ambiguous,
    AccessDenied,
    Invalid,
    Policy,
    Unavailable,
    Unconfirmed,
    Expired,
    Deleted,
    Exists,
    ReadOnly,
    RotationInProgress,
    VersionConflict,
    NotYet,
    Plan,
    Audit,
    Config,
    Internal,
}

impl Kind {
    /// The word used as a metric label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Ambiguous => "ambiguous",
            Self::AccessDenied => "access_denied",
            Self::Invalid => "invalid",
            Self::Policy => "policy",
            Self::Unavailable => "unavailable",
            Self::Unconfirmed => "unconfirmed",
            Self::Expired => "expired",
            Self::Deleted => "deleted",
            Self::Exists => "exists",
            Self::ReadOnly => "read_only",
            Self::RotationInProgress => "rotation_in_progress",
            Self::VersionConflict => "version_conflict",
            Self::NotYet => "not_yet",
            Self::Plan => "plan",
            Self::Audit => "audit",
            Self::Config => "config",
            Self::Internal => "internal",
        }
    }
}
