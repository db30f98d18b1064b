//! The origin of a secret, and later sources that also have it.

use std::fmt;
use std::path::PathBuf;

/// The exact origin of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are named by their types and by `Display`")]
pub enum Origin {
    /// An environment variable; visible in the process's environment block, and therefore graded weak.
    Env { variable: String },
    /// A file that the variable `…_FILE` points to.
    EnvFile { variable: String, path: PathBuf },
    /// A file in the secrets directory, as Docker, Swarm and Kubernetes mount it.
    SecretFile { path: PathBuf },
    /// A file in `$CREDENTIALS_DIRECTORY`.
    SystemdCredential { path: PathBuf },
    /// AWS Secrets Manager, by id or ARN.
    Aws { id: String, region: String },
}

/// The kind of source in a list of allowed sources, in metrics and in audit events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
#[expect(missing_docs, reason = "each is named after its source")]
pub enum SourceKind {
    Env,
    File,
    Aws,
}

/// How well a source protects a secret, in the terms of `systemd-creds list`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Grade {
    /// Readable by its owner and the manager only.
    Secure,
    /// Readable by more users than necessary.
    Weak,
    /// Readable by everyone on the machine.
    Insecure,
}

/// The origin of the value in use.
#[derive(Clone, Debug)]
pub struct Provenance {
    /// The exact place.
    pub origin: Origin,
    /// How well the source protects it.
    pub grade: Grade,
    /// Later sources that also have the secret and are not used.
    pub shadowed: Vec<Shadow>,
}

/// A source that also has a secret which an earlier source provides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shadow {
    /// The exact place.
    pub origin: Origin,
    /// Whether its value differs: then rotations there have no effect.
    pub differs: bool,
}

impl Origin {
    /// The kind of source.
    #[must_use]
    pub fn kind(&self) -> SourceKind {
        match self {
            Self::Env { .. } => SourceKind::Env,
            Self::EnvFile { .. } | Self::SecretFile { .. } | Self::SystemdCredential { .. } => {
                SourceKind::File
            }
            Self::Aws { .. } => SourceKind::Aws,
        }
    }
}

impl SourceKind {
    /// The value of the metric label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env { variable } => write!(out, "environment variable {variable}"),
            Self::EnvFile { variable, path } => write!(out, "file {} (named by {variable})", path.display()),
            Self::SecretFile { path } => write!(out, "file {}", path.display()),
            Self::SystemdCredential { path } => write!(out, "systemd credential {}", path.display()),
            Self::Aws { id, region } => write!(out, "AWS secret {id} in {region}"),
        }
    }
}
