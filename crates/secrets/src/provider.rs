//! A place where secrets are kept.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

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
}
