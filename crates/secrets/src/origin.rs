//! Where a secret was found, and which later sources also have it.

use std::fmt;
use std::path::PathBuf;

/// The exact place where a secret was found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are named by their types and by `Display`")]
pub enum Origin {
    /// Stays visible in the process's environment block, so it is graded weak.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is named after its source")]
pub enum SourceKind {
    Env,
    File,
    Aws,
}

/// How well a source protects a secret, in the terms of `systemd-creds list`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Readable by its owner and the manager only.
    Secure,
    /// Visible to more than it needs to be.
    Weak,
    /// Readable by everyone on the machine.
    Insecure,
}

/// Where the value in use was found.
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
    /// Whether its value differs: then a forgotten earlier source blocks every rotation there.
    pub differs: bool,
}

impl Origin {
    /// The kind of source it belongs to.
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
        match self {
            Self::Env => "env",
            Self::File => "file",
            Self::Aws => "aws",
        }
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

impl fmt::Display for Grade {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Secure => "secure",
            Self::Weak => "weak",
            Self::Insecure => "insecure",
        })
    }
}
