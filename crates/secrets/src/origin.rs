//! Where a secret was found, and what else offered it.

use std::fmt;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::fingerprint::Fingerprint;

/// The exact place of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// An environment variable. It stays visible in the process's environment block, so it is graded weak.
    Env {
        /// The variable.
        variable: String,
    },
    /// A file that an environment variable `…_FILE` points to.
    EnvFile {
        /// The variable that holds the path.
        variable: String,
        /// The path.
        path: PathBuf,
    },
    /// A file of the secrets directory, as Docker, Swarm and Kubernetes mount them.
    SecretFile {
        /// The path.
        path: PathBuf,
    },
    /// A file of `$CREDENTIALS_DIRECTORY`.
    SystemdCredential {
        /// The path.
        path: PathBuf,
    },
    /// AWS Secrets Manager.
    Aws {
        /// The secret's id or ARN.
        id: String,
        /// The region.
        region: String,
    },
    /// Made for this process alone, in development.
    Generated,
}

/// How an origin is named in a catalogue's list of allowed sources, in metrics and in audit events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceKind {
    /// [`Origin::Env`].
    Env,
    /// Any file.
    File,
    /// [`Origin::Aws`].
    Aws,
    /// [`Origin::Generated`].
    Generated,
}

/// How well a place keeps a secret, in the words of `systemd-creds list`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Readable to no one but its owner and the manager.
    Secure,
    /// Visible to more than it needs to be.
    Weak,
    /// Readable to everyone on the machine.
    Insecure,
}

/// Where the value in use was found.
#[derive(Clone, Debug)]
pub struct Provenance {
    /// The place.
    pub origin: Origin,
    /// Wall-clock time of finding it.
    pub resolved_at: SystemTime,
    /// How well that place keeps it.
    pub grade: Grade,
    /// Later places that also offer it and are not read.
    pub shadowed: Vec<Shadow>,
    /// A keyed fingerprint of the value, to tell two values apart without seeing them.
    pub fingerprint: Fingerprint,
}

/// A place that offers a secret which an earlier place already gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shadow {
    /// The place.
    pub origin: Origin,
    /// Whether its value is another one: a forgotten variable that would block rotation for ever.
    pub differs: bool,
}

impl Origin {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> SourceKind {
        match self {
            Self::Env { .. } => SourceKind::Env,
            Self::EnvFile { .. } | Self::SecretFile { .. } | Self::SystemdCredential { .. } => {
                SourceKind::File
            }
            Self::Aws { .. } => SourceKind::Aws,
            Self::Generated => SourceKind::Generated,
        }
    }
}

impl SourceKind {
    /// The word used as a metric label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Env => "env",
            Self::File => "file",
            Self::Aws => "aws",
            Self::Generated => "generated",
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
            Self::Generated => out.write_str("a value generated for this process"),
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
