//! Why a command did not do what was asked. No variant can hold a secret's value.

use std::io;
use std::path::PathBuf;

use crate::exit::Exit;

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The arguments contradict each other.
    #[error("{0}")]
    Usage(String),
    /// Something outside has to be put right first.
    #[error("{0}")]
    Precondition(String),
    /// The settings have faults.
    #[error("{0}")]
    Settings(config::Errors),
    /// A secret could not be had, or not be accepted.
    #[error("{0}")]
    Secret(#[from] secrets::Error),
    /// Several could not.
    #[error("{0}")]
    Secrets(secrets::Errors),
    /// No secret of this name is declared.
    #[error("{0} is not a declared secret: `investiq secrets list` names them")]
    Undeclared(String),
    /// A file could not be read or written.
    #[error("{what} {}: {source}", path.display())]
    File {
        /// What was attempted.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Another process holds a directory.
    #[error("another process is writing in {}", .0.display())]
    Busy(PathBuf),
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness")]
    NoRandomness,
    /// It broke off: what had been done stays done.
    #[error("{0}")]
    Broken(String),
    /// Standard output is gone.
    #[error("the output could not be written: {0}")]
    Output(#[from] io::Error),
}

impl Failure {
    pub(crate) fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }

    /// The code that it ends with.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) | Self::Undeclared(_) => Exit::Usage,
            Self::Precondition(_) | Self::Settings(_) => Exit::Precondition,
            Self::Busy(_) => Exit::Conflict,
            Self::Secret(error) => exit_of(error),
            Self::Secrets(problems) => problems.0.first().map_or(Exit::Failed, exit_of),
            Self::File { .. } | Self::Broken(_) | Self::NoRandomness | Self::Output(_) => Exit::Failed,
        }
    }
}

/// A value that is refused, and a place that refuses, have to be put right; a rotation of somebody else's is a conflict.
fn exit_of(error: &secrets::Error) -> Exit {
    use secrets::ErrorKind;
    match error.kind() {
        ErrorKind::RotationInProgress | ErrorKind::VersionConflict => Exit::Conflict,
        ErrorKind::Unavailable
        | ErrorKind::Unconfirmed
        | ErrorKind::Internal
        | ErrorKind::Audit
        | ErrorKind::Plan => Exit::Failed,
        _ => Exit::Precondition,
    }
}
