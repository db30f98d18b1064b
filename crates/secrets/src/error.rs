//! What can go wrong with a secret. No variant can hold a value.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::fault::{Breach, Fault};
pub use crate::kind::Kind;
pub use crate::misuse::Misuse;
use crate::name::SecretName;
use crate::origin::Origin;

/// Why a secret cannot be had, or not be trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No place has it. The only error that lets the next place be asked.
    #[error("secret {name} was not found in {}", Joined(tried))]
    NotFound {
        /// The secret.
        name: SecretName,
        /// Every place that was asked.
        tried: Vec<Origin>,
    },
    /// Two settings of one place contradict each other.
    #[error("secret {name} is set twice: {}; keep one", Joined(origins))]
    Ambiguous {
        /// The secret.
        name: SecretName,
        /// The contradicting settings.
        origins: Vec<Origin>,
    },
    /// The place has it and will not give it.
    #[error("access to secret {name} in {origin} was refused to {to}")]
    AccessDenied {
        /// The secret.
        name: SecretName,
        /// The place.
        origin: Origin,
        /// Who asked.
        to: Asker,
    },
    /// The place has something that is not a well-formed secret.
    #[error("secret {name} in {origin} {fault}")]
    Invalid {
        /// The secret.
        name: SecretName,
        /// The place.
        origin: Origin,
        /// What is wrong.
        fault: Fault,
    },
    /// A well-formed secret that this profile does not accept.
    #[error("secret {name} in {origin} {breach}")]
    Policy {
        /// The secret.
        name: SecretName,
        /// The place.
        origin: Origin,
        /// The rule it breaks.
        breach: Breach,
    },
    /// The place cannot be reached now.
    #[error("secret {name} could not be read from {origin}: {outage}")]
    Unavailable {
        /// The secret.
        name: SecretName,
        /// The place.
        origin: Origin,
        /// What happened.
        outage: Outage,
        /// When to ask again.
        retry_in: Duration,
    },
    /// A change was asked for, and no answer says whether it was made.
    #[error(
        "secret {name} may not have been changed in {origin}: {outage}; look at how it stands, then ask again"
    )]
    Unconfirmed {
        /// The secret.
        name: SecretName,
        /// The place.
        origin: Origin,
        /// What happened.
        outage: Outage,
    },
    /// The last good value has been served for as long as it may be.
    #[error("secret {name} expired: last confirmed {age:?} ago, limit {limit:?}")]
    Expired {
        /// The secret.
        name: SecretName,
        /// Time since it was last confirmed.
        age: Duration,
        /// The most that is allowed.
        limit: Duration,
    },
    /// The place will delete it, and gives it to no one until it is restored.
    #[error("secret {name} in {origin} is scheduled for deletion: restore it, or stop asking for it")]
    Deleted {
        /// The secret.
        name: SecretName,
        /// The place.
        origin: Origin,
    },
    /// The place has it already.
    #[error("secret {name} in {origin} exists already")]
    Exists {
        /// The secret.
        name: SecretName,
        /// The place.
        origin: Origin,
    },
    /// The place cannot be written to by us.
    #[error("{origin} is read-only: change it where it is kept")]
    ReadOnly {
        /// The place.
        origin: Origin,
    },
    /// Another rotation is under way.
    #[error("secret {name} is being rotated under plan {token}: resume or abort it")]
    RotationInProgress {
        /// The secret.
        name: SecretName,
        /// The other rotation's token.
        token: String,
    },
    /// Someone else moved the current version first.
    #[error("secret {name} moved on: expected version {expected}, found {found}")]
    VersionConflict {
        /// The secret.
        name: SecretName,
        /// The version seen at the start.
        expected: String,
        /// The version found at the end.
        found: String,
    },
    /// A step of a rotation that must wait.
    #[error("secret {name}: {why}; wait {wait:?}")]
    NotYet {
        /// The secret.
        name: SecretName,
        /// What would go wrong now.
        why: &'static str,
        /// How long to wait; zero when it is not a matter of time.
        wait: Duration,
    },
    /// The file in which a rotation remembers its step cannot be used.
    #[error("the plan of the rotation of secret {name} in {} {what}", path.display())]
    Plan {
        /// The secret.
        name: SecretName,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The audit sink refused a record, so the change was not made.
    #[error("the audit record could not be written")]
    Audit,
    /// The settings of this crate contradict each other.
    #[error("the secrets are set up wrongly: {0}")]
    Config(Misuse),
    /// A fault of this process.
    #[error("secret {name} could not be resolved: {what}")]
    Internal {
        /// The secret.
        name: SecretName,
        /// The step that failed.
        what: &'static str,
    },
}

/// Who was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Asker {
    /// A user of this machine.
    #[error("uid {0}")]
    User(u32),
    /// A caller of a service, known by the request that was refused.
    #[error("request {request_id} ({code})")]
    Request {
        /// The service's error code.
        code: String,
        /// The service's request id.
        request_id: String,
    },
}

/// Why a place cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Outage {
    /// The operating system failed to read.
    #[error("input/output error (errno {0})")]
    Io(i32),
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The connection could not be made, or broke.
    #[error("the connection failed")]
    Connection,
    /// The service asks for fewer calls.
    #[error("the service is throttling")]
    Throttled,
    /// The service failed.
    #[error("the service failed")]
    Service,
    /// Our own credentials for the service are missing or expired.
    #[error("the credentials for the service are not available")]
    Credentials,
    /// The place answered with a version that it has already replaced.
    #[error("an older version was answered than the one announced")]
    Lagging,
}

/// Everything that is wrong, at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Error>);

impl Error {
    /// The kind alone.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::NotFound { .. } => Kind::NotFound,
            Self::Ambiguous { .. } => Kind::Ambiguous,
            Self::AccessDenied { .. } => Kind::AccessDenied,
            Self::Invalid { .. } => Kind::Invalid,
            Self::Policy { .. } => Kind::Policy,
            Self::Unavailable { .. } => Kind::Unavailable,
            Self::Unconfirmed { .. } => Kind::Unconfirmed,
            Self::Expired { .. } => Kind::Expired,
            Self::Deleted { .. } => Kind::Deleted,
            Self::Exists { .. } => Kind::Exists,
            Self::ReadOnly { .. } => Kind::ReadOnly,
            Self::RotationInProgress { .. } => Kind::RotationInProgress,
            Self::VersionConflict { .. } => Kind::VersionConflict,
            Self::NotYet { .. } => Kind::NotYet,
            Self::Plan { .. } => Kind::Plan,
            Self::Audit => Kind::Audit,
            Self::Config(_) => Kind::Config,
            Self::Internal { .. } => Kind::Internal,
        }
    }

    /// Whether asking again later may help without anyone changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self.kind(), Kind::Unavailable | Kind::Unconfirmed | Kind::Internal)
    }
}

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} problem(s) with secrets", self.0.len())?;
        self.0.iter().try_for_each(|problem| write!(out, "\n  - {problem}"))
    }
}

/// Writes places as a list.
struct Joined<'a>(&'a [Origin]);

impl fmt::Display for Joined<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return out.write_str("any place");
        }
        for (at, origin) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { ", " };
            write!(out, "{separator}{origin}")?;
        }
        Ok(())
    }
}
