//! Errors of secrets. No variant contains a value.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

pub use crate::config_error::ConfigError;
use crate::invalid::{InvalidReason, PolicyViolation};
use crate::name::SecretName;
use crate::origin::Origin;
use crate::spec::SecretSpec;
use crate::version::SecretVersion;

/// A secret cannot be read, trusted or changed.
#[derive(Clone, Debug, PartialEq, Eq, strum::EnumDiscriminants, thiserror::Error)]
#[strum_discriminants(
    name(ErrorKind),
    derive(Hash, strum::IntoStaticStr),
    strum(serialize_all = "snake_case")
)]
#[strum_discriminants(doc = "An [`Error`] without its fields: the label of a metric.", expect(missing_docs))]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum Error {
    /// No source has the secret. Only after this error is the next source queried.
    #[error("secret {name} was not found in {}", Joined(tried))]
    NotFound { name: SecretName, tried: Vec<Origin> },
    #[error("secret {name} is set twice: {}; keep one", Joined(origins))]
    Ambiguous { name: SecretName, origins: Vec<Origin> },
    /// The source has the secret and refuses to return it.
    #[error("access to secret {name} in {origin} was denied for {requester}")]
    AccessDenied { name: SecretName, origin: Origin, requester: Requester },
    #[error("secret {name} in {origin} {reason}")]
    Invalid { name: SecretName, origin: Origin, reason: InvalidReason },
    /// The value is well formed, but the profile does not accept it.
    #[error("secret {name} in {origin} {violation}")]
    Policy { name: SecretName, origin: Origin, violation: PolicyViolation },
    #[error("secret {name} could not be read from {origin}: {outage}")]
    Unavailable { name: SecretName, origin: Origin, outage: Outage, retry_in: Duration },
    /// A change was requested, but no response confirms it.
    #[error(
        "change of secret {name} in {origin} is unconfirmed: {outage}; check its status before you retry"
    )]
    Unconfirmed { name: SecretName, origin: Origin, outage: Outage },
    /// The last good value was served for the longest allowed time.
    #[error("secret {name} expired: last confirmed {age:?} ago, limit {limit:?}")]
    Expired { name: SecretName, age: Duration, limit: Duration },
    #[error("secret {name} in {origin} is scheduled for deletion: restore it, or stop requesting it")]
    Deleted { name: SecretName, origin: Origin },
    #[error("secret {name} in {origin} already exists")]
    Exists { name: SecretName, origin: Origin },
    #[error("{origin} is read-only: change the value there by hand")]
    ReadOnly { origin: Origin },
    #[error("rotation {token} of secret {name} is in progress: resume or abort it")]
    RotationInProgress { name: SecretName, token: String },
    /// Another writer moved the current version first.
    #[error("current version of secret {name} changed: expected {expected}, found {actual}")]
    VersionConflict { name: SecretName, expected: String, actual: String },
    /// A rotation step that must wait; `wait` is zero when time alone does not help.
    #[error("secret {name}: {why}{}", wait_hint(*wait))]
    NotYet { name: SecretName, why: &'static str, wait: Duration },
    #[error("rotation plan of secret {name} in {} {what}", path.display())]
    Plan { name: SecretName, path: PathBuf, what: &'static str },
    /// The change was not made, because it could not be recorded.
    #[error("audit record could not be written")]
    Audit,
    #[error("invalid secrets configuration: {0}")]
    Config(ConfigError),
    #[error("secret {name} could not be resolved: {what}")]
    Internal { name: SecretName, what: &'static str },
}

/// The denied requester.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum Requester {
    #[error("uid {0}, which runs this process: change the owner or the mode of the file")]
    User(u32),
    #[error("request {request_id} ({code})")]
    Request { code: String, request_id: String },
}

/// Reasons why a source cannot be read now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages document the variants")]
pub enum Outage {
    #[error("input/output error (errno {0})")]
    Io(i32),
    #[error("timed out")]
    Timeout,
    #[error("connection failed")]
    Connection,
    #[error("throttled by the service")]
    Throttled,
    #[error("the service failed")]
    Service,
    #[error("credentials for the service are missing or expired")]
    Credentials,
    /// An eventually consistent read returned a version that was already replaced.
    #[error("the service returned an older version than the announced one")]
    StaleRead,
}

/// All errors of a configuration, reported at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errors(pub Vec<Error>);

impl Error {
    /// The error of a version that an emergency rotation revoked.
    pub(crate) fn revoked(spec: &SecretSpec, version: &SecretVersion) -> Self {
        let violation = PolicyViolation::Revoked { version: version.id().clone() };
        Self::Policy { name: spec.name.clone(), origin: version.provenance().origin.clone(), violation }
    }

    /// The label of its metric.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.into()
    }

    /// Whether a retry may succeed without any change.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self.kind(), ErrorKind::Unavailable | ErrorKind::Unconfirmed | ErrorKind::Internal)
    }
}

impl ErrorKind {
    /// The value of the metric label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl std::error::Error for Errors {}

impl fmt::Display for Errors {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} error(s) in secrets", self.0.len())?;
        self.0.iter().try_for_each(|error| write!(out, "\n  - {error}"))
    }
}

fn wait_hint(wait: Duration) -> String {
    if wait.is_zero() { String::new() } else { format!("; wait {wait:?}") }
}

/// Origins as a list.
struct Joined<'a>(&'a [Origin]);

impl fmt::Display for Joined<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return out.write_str("any source");
        }
        for (index, origin) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(out, "{separator}{origin}")?;
        }
        Ok(())
    }
}
