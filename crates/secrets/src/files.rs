//! Secrets in files: a mounted directory with one file per secret, as Docker, Swarm, Kubernetes and systemd make it.

mod beneath;
mod hygiene;
mod read;

use std::path::PathBuf;
use std::time::Duration;

use crate::error::{Asker, Error, Outage};
use crate::fault::Fault;
use crate::origin::{Grade, Origin};
use crate::provider::{Announced, Answer, Capabilities, Found, Provider, Selector};
use crate::spec::SecretSpec;
use crate::version::Created;
use crate::warning::Warning;
pub(crate) use read::SecretFile;

/// Where container engines mount secrets.
pub const SECRETS_DIRECTORY: &str = "/run/secrets";
/// Largest secret file, which is also the largest secret that AWS keeps.
pub const SECRET_BYTES_MAX: usize = 65_536;

/// When to look again after the operating system failed to read.
const IO_RETRY: Duration = Duration::from_secs(1);

/// A directory with one file per secret, named as the secret is.
pub struct SecretFiles {
    directory: PathBuf,
    kind: Mount,
}

/// Who made the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mount {
    Engine,
    Systemd,
}

/// Why a file gives no secret.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Missing,
    Denied { uid: u32 },
    Fault(Fault),
    Io(i32),
    Stopped,
}

impl SecretFiles {
    /// The directory that a container engine mounted, or a person's own: usually [`SECRETS_DIRECTORY`].
    #[must_use]
    pub fn mounted_at(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), kind: Mount::Engine }
    }

    /// The directory that systemd set up for this service's credentials: `$CREDENTIALS_DIRECTORY`.
    #[must_use]
    pub fn of_systemd(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), kind: Mount::Systemd }
    }

    fn origin(&self, spec: &SecretSpec) -> Origin {
        let path = self.directory.join(spec.name.as_str());
        match self.kind {
            Mount::Engine => Origin::SecretFile { path },
            Mount::Systemd => Origin::SystemdCredential { path },
        }
    }

    async fn find(&self, spec: &SecretSpec) -> Result<Found, Error> {
        let origin = self.origin(spec);
        match read(self.directory.clone(), PathBuf::from(spec.name.as_str())).await {
            Ok(file) => Ok(file.found(origin)),
            Err(refusal) => Err(refusal.into_error(spec, origin)),
        }
    }
}

impl Provider for SecretFiles {
    fn capabilities(&self) -> Capabilities {
        Capabilities { is_local: true, has_versions: false }
    }

    fn get<'a>(&'a self, spec: &'a SecretSpec, which: &'a Selector) -> Answer<'a, Result<Found, Error>> {
        Box::pin(async move {
            match which {
                Selector::Current => self.find(spec).await,
                Selector::Previous | Selector::Pending | Selector::Version(_) => {
                    Err(Error::NotFound { name: spec.name.clone(), tried: Vec::new() })
                }
            }
        })
    }

    fn watched(&self) -> Vec<PathBuf> {
        vec![self.directory.clone()]
    }
}

impl SecretFile {
    pub(crate) fn found(self, origin: Origin) -> Found {
        let grade = match self.warning {
            None => Grade::Secure,
            Some(Warning::Mount(_)) => Grade::Weak,
            Some(_) => Grade::Insecure,
        };
        let (created, warnings) = (Created::Modified(self.modified), self.warning.into_iter().collect());
        Found { raw: self.bytes, origin, id: None, created, grade, warnings, announced: Announced::Nothing }
    }
}

impl Refusal {
    pub(crate) fn into_error(self, spec: &SecretSpec, origin: Origin) -> Error {
        let name = spec.name.clone();
        match self {
            Self::Missing => Error::NotFound { name, tried: vec![origin] },
            Self::Denied { uid } => Error::AccessDenied { name, origin, to: Asker::User(uid) },
            Self::Fault(fault) => Error::Invalid { name, origin, fault },
            Self::Io(errno) => {
                Error::Unavailable { name, origin, outage: Outage::Io(errno), retry_in: IO_RETRY }
            }
            Self::Stopped => Error::Internal { name, what: "the thread that reads files stopped" },
        }
    }
}

/// Reads one file beneath a directory, on a thread where waiting for a disk hurts no one.
pub(crate) async fn read(directory: PathBuf, leaf: PathBuf) -> Result<SecretFile, Refusal> {
    tokio::task::spawn_blocking(move || read::read(&directory, &leaf)).await.unwrap_or(Err(Refusal::Stopped))
}
