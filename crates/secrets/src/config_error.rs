//! Contradictory or missing settings of this crate.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use crate::name::SecretName;

/// Contradictory or missing settings of this crate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages document the variants")]
pub enum ConfigError {
    #[error("{0} is declared twice")]
    DeclaredTwice(SecretName),
    #[error("{0} is not declared in the catalogue")]
    Undeclared(String),
    #[error("the operating system provides no randomness")]
    NoRandomness,
    #[error("SECRET_PREFIX is set, but AWS_REGION is not")]
    NoRegion,
    #[error("the AWS endpoint can be set to {0} only in the development profile")]
    EndpointOverride(String),
    #[error("the endpoint {0} is neither https nor loopback")]
    PlainHttp(String),
    #[error("the overlap {overlap:?} is not between {min:?} and {max:?}")]
    OverlapOutOfRange {
        overlap: Duration,
        /// Sum of the TTL of a value, the longest token lifetime and the clock margin.
        min: Duration,
        max: Duration,
    },
    #[error("{0} is verified by others: they decide how long they accept the previous value")]
    OverlapNotSupported(SecretName),
    #[error("{0} is issued by the party that accepts it: supply the new value")]
    IssuedElsewhere(SecretName),
    #[error(
        "{0} needs its older keys, and its format has room for one: declare it with several lines before you rotate it"
    )]
    NoRoomForOlderKeys(SecretName),
    #[error("the proxy cannot be used for AWS")]
    Proxy,
    #[error("no source of secrets is configured")]
    NoSource,
    #[error("directory {} does not exist: create it, or correct SECRETS_DIR", path.display())]
    NoDirectory { path: PathBuf },
    #[error("directory {} cannot be listed: {kind}{}", path.display(), access_hint(*kind))]
    UnlistedDirectory { path: PathBuf, kind: ErrorKind },
    #[error("directory {0} is writable by everyone, who could replace the secrets in it: chmod o-w {0}", path.display())]
    WritableDirectory { path: PathBuf },
    /// Its value would count as not set.
    #[error("file {} is not named after a secret: {}", path.display(), rename_hint(similar.as_ref()))]
    UnknownFile { path: PathBuf, similar: Option<SecretName> },
}

fn access_hint(kind: ErrorKind) -> String {
    let uid = rustix::process::geteuid().as_raw();
    match kind {
        ErrorKind::PermissionDenied => {
            format!(" for uid {uid}, which runs this process: chmod 0755 it, or change its owner")
        }
        _ => String::new(),
    }
}

fn rename_hint(similar: Option<&SecretName>) -> String {
    match similar {
        Some(name) => format!("rename it to {name}, or remove it"),
        None => "rename or remove it; `investiq secrets list` shows the names".to_owned(),
    }
}
