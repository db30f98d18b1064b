//! A place where secrets are kept.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::SystemTime;

use crate::error::Error;
use crate::origin::{Grade, Origin};
use crate::spec::SecretSpec;
use crate::value::SecretValue;
use crate::version::{Created, VersionId};
use crate::warning::Warning;

/// An answer that is still on its way.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A place where secrets are kept: the environment, a directory of files, AWS Secrets Manager.
///
/// A provider only finds. What it found is cleaned and judged in one place for all of them, so that a trailing newline
/// or a placeholder is treated alike wherever it came from. It is asked by [`SecretSpec`], so nothing undeclared is
/// ever looked up.
pub trait Provider: Send + Sync {
    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// One version of one secret.
    ///
    /// # Errors
    /// [`Error::NotFound`] lets the next provider be asked; any other ends the search.
    fn get<'a>(&'a self, spec: &'a SecretSpec, which: &'a Selector) -> Answer<'a, Result<Found, Error>>;

    /// The current version of many secrets, in the order asked, in as few calls as the place allows.
    fn get_many<'a>(&'a self, specs: &'a [&'a SecretSpec]) -> Answer<'a, Vec<Result<Found, Error>>> {
        Box::pin(async move {
            let mut found = Vec::with_capacity(specs.len());
            for spec in specs {
                found.push(self.get(spec, &Selector::Current).await);
            }
            found
        })
    }

    /// Directories in which a change may mean that a secret changed.
    fn watched(&self) -> Vec<PathBuf> {
        Vec::new()
    }
}

/// Which version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// The one in use.
    Current,
    /// The one before.
    Previous,
    /// The one about to take over.
    Pending,
    /// The one of this id.
    Version(VersionId),
}

/// What a provider can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Asking costs no network call, so it can also be asked what it would have offered.
    pub is_local: bool,
    /// It keeps previous and pending versions.
    pub has_versions: bool,
}

/// What a provider found: raw, not yet cleaned or judged.
#[derive(Debug)]
pub struct Found {
    /// The bytes as they are kept.
    pub raw: SecretValue,
    /// The exact place.
    pub origin: Origin,
    /// What the place calls this version, if it has a name for it.
    pub id: Option<VersionId>,
    /// When it was made.
    pub created: Created,
    /// How well the place keeps it.
    pub grade: Grade,
    /// What to tell the operator.
    pub warnings: Vec<Warning>,
    /// What the place says of a rotation of this secret.
    pub announced: Announced,
}

/// What a place says of a rotation of one secret.
#[derive(Debug)]
pub enum Announced {
    /// That there is none. A version that is replaced is accepted for the overlap of its class.
    Nothing,
    /// It cannot be known now: what was known still counts.
    Unknown,
    /// Which versions are accepted beside the one in use, and which no longer.
    Rotating(Rotating),
}

/// Which versions are accepted beside the one in use, and which no longer.
#[derive(Debug)]
pub struct Rotating {
    /// The version that is about to take over: accepted already.
    pub pending: Option<Beside>,
    /// The version before.
    pub previous: Option<Beside>,
    /// Whether the version in use is one that this speaks of. After a change by hand it is not, and the version before
    /// is accepted for the overlap of its class.
    pub is_told_of_current: bool,
    /// Versions that are accepted no longer.
    pub denied: Vec<VersionId>,
}

/// A version beside the one in use.
#[derive(Debug)]
pub struct Beside {
    /// The version.
    pub id: VersionId,
    /// Its bytes; `None` when they could not be had this time.
    pub found: Option<Box<Found>>,
    /// Until when it is accepted; `None` while it is announced.
    pub until: Option<SystemTime>,
}
