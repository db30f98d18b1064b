//! Why a command failed. No variant can hold the value of a secret.

use std::io;
use std::path::PathBuf;

use secrets::ErrorKind;

use crate::exit::Exit;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Usage(String),
    /// Something else must be fixed first.
    #[error("{0}")]
    Precondition(String),
    #[error("{0}")]
    Settings(#[from] config::Errors),
    #[error("{0}")]
    Secret(#[from] secrets::Error),
    #[error("{0}")]
    Secrets(secrets::Errors),
    #[error("unknown secret; `investiq secrets list` lists every name, variable and AWS id")]
    UnknownSecret,
    #[error("cannot {action} {}: {source}", path.display())]
    File { action: &'static str, path: PathBuf, source: io::Error },
    #[error("{} is locked by another process", .0.display())]
    Locked(PathBuf),
    #[error("the operating system's random number generator failed")]
    Random,
    /// Completed steps stay completed.
    #[error("{0}")]
    Incomplete(String),
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
}

impl Failure {
    /// `action` is what was attempted, such as `open`.
    pub(crate) fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }

    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) | Self::UnknownSecret => Exit::Usage,
            Self::Precondition(_) | Self::Settings(_) => Exit::Precondition,
            Self::Locked(_) => Exit::Conflict,
            Self::Secret(error) => exit_of(error),
            Self::Secrets(errors) => errors.0.first().map_or(Exit::Failed, exit_of),
            Self::File { .. } | Self::Incomplete(_) | Self::Random | Self::Output(_) => Exit::Failed,
        }
    }
}

fn exit_of(error: &secrets::Error) -> Exit {
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
