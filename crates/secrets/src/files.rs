//! Secrets in files: a directory with one file per secret, as Docker, Swarm, Kubernetes and systemd mount it.

mod beneath;
mod directory;
mod permissions;
mod read;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Outage, Requester};
use crate::invalid::InvalidReason;
use crate::origin::{Grade, Origin};
use crate::source::{BoxFuture, RawSecret, Source};
use crate::spec::SecretSpec;
use crate::version::Created;
use crate::warning::Warning;
pub use directory::directory_errors;
pub(crate) use read::SecretFile;

/// The directory where container engines mount secrets.
pub const SECRETS_DIRECTORY: &str = "/run/secrets";

const IO_RETRY_IN: Duration = Duration::from_secs(1);

/// A directory with one file per secret.
pub(crate) struct FileSource {
    directory: PathBuf,
    kind: DirectoryKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DirectoryKind {
    Mounted,
    Systemd,
}

/// A file cannot be read as a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReadError {
    Missing,
    Denied {
        uid: u32,
    },
    Invalid(InvalidReason),
    /// The operating system's error number.
    Io(i32),
    /// The reading thread stopped.
    Stopped,
}

impl FileSource {
    /// A directory that a container engine mounted, or a developer's own: usually [`SECRETS_DIRECTORY`].
    pub(crate) fn mounted(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), kind: DirectoryKind::Mounted }
    }

    /// The directory of a service's systemd credentials: `$CREDENTIALS_DIRECTORY`.
    pub(crate) fn systemd(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), kind: DirectoryKind::Systemd }
    }

    fn origin(&self, name: &str) -> Origin {
        let path = self.directory.join(name);
        match self.kind {
            DirectoryKind::Mounted => Origin::SecretFile { path },
            DirectoryKind::Systemd => Origin::SystemdCredential { path },
        }
    }
}

impl Source for FileSource {
    fn is_local(&self) -> bool {
        true
    }

    fn get<'a>(&'a self, spec: &'a SecretSpec) -> BoxFuture<'a, Result<RawSecret, Error>> {
        Box::pin(async move {
            let (directory, declared) = (self.directory.clone(), spec.clone());
            let names = tokio::task::spawn_blocking(move || file_names_in(&directory, &declared)).await;
            let name = match names.as_deref() {
                Err(_) => return Err(ReadError::Stopped.into_error(spec, self.origin(spec.name.as_str()))),
                // Reading the usual name says why there is no file.
                Ok([]) => spec.name.as_str(),
                Ok([only]) => only,
                Ok(several) => {
                    let origins = several.iter().map(|name| self.origin(name)).collect();
                    return Err(Error::Ambiguous { name: spec.name.clone(), origins });
                }
            };
            let origin = self.origin(name);
            match read(self.directory.clone(), PathBuf::from(name)).await {
                Ok(file) => Ok(file.into_raw_secret(origin)),
                Err(error) => Err(error.into_error(spec, origin)),
            }
        })
    }

    fn watched_directories(&self) -> Vec<PathBuf> {
        vec![self.directory.clone()]
    }
}

impl SecretFile {
    pub(crate) fn into_raw_secret(self, origin: Origin) -> RawSecret {
        let grade = match self.warning {
            None => Grade::Secure,
            Some(Warning::Mount(_)) => Grade::Weak,
            Some(_) => Grade::Insecure,
        };
        let (created, warnings) = (Created::Modified(self.modified), self.warning.into_iter().collect());
        RawSecret { created, grade, warnings, ..RawSecret::new(self.bytes, origin) }
    }
}

impl ReadError {
    pub(crate) fn into_error(self, spec: &SecretSpec, origin: Origin) -> Error {
        let name = spec.name.clone();
        match self {
            Self::Missing => Error::NotFound { name, tried: vec![origin] },
            Self::Denied { uid } => Error::AccessDenied { name, origin, requester: Requester::User(uid) },
            Self::Invalid(reason) => Error::Invalid { name, origin, reason },
            Self::Io(errno) => {
                Error::Unavailable { name, origin, outage: Outage::Io(errno), retry_in: IO_RETRY_IN }
            }
            Self::Stopped => Error::Internal { name, what: "the thread that reads files stopped" },
        }
    }
}

/// The names of a secret's files in a directory. Each secret may have one file, under any of
/// [`SecretSpec::file_names`]; a link without a target counts.
#[must_use]
pub fn file_names_in(directory: &Path, spec: &SecretSpec) -> Vec<String> {
    spec.file_names().filter(|name| directory.join(name).symlink_metadata().is_ok()).collect()
}

/// Reads one file in a directory, on a thread that may block.
pub(crate) async fn read(directory: PathBuf, name: PathBuf) -> Result<SecretFile, ReadError> {
    tokio::task::spawn_blocking(move || read::read(&directory, &name))
        .await
        .unwrap_or(Err(ReadError::Stopped))
}
