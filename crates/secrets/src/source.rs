//! Sources of secrets: the environment, a directory of files, AWS Secrets Manager.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::SystemTime;

use crate::error::Error;
use crate::origin::{Grade, Origin};
use crate::rotation_state::RotationUpdate;
use crate::spec::SecretSpec;
use crate::value::SecretValue;
use crate::version::Created;
use crate::version_id::VersionId;
use crate::warning::Warning;

/// A boxed future, so that [`Source`] can be a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A source of secrets.
///
/// A source only reads. Values of all sources are cleaned and validated in one place. Queries take a [`SecretSpec`], so
/// that undeclared secrets are never read.
pub trait Source: Send + Sync {
    /// Whether reading needs no network call. Local sources are also read for shadowed values.
    fn is_local(&self) -> bool;

    /// The current version of one secret.
    ///
    /// # Errors
    /// After [`Error::NotFound`] the next source is queried; any other error ends the lookup.
    fn get<'a>(&'a self, spec: &'a SecretSpec) -> BoxFuture<'a, Result<RawSecret, Error>>;

    /// The current versions of many secrets, in the order of `specs`, in as few calls as the source allows.
    fn get_many<'a>(&'a self, specs: &'a [&'a SecretSpec]) -> BoxFuture<'a, Vec<Result<RawSecret, Error>>> {
        Box::pin(async move {
            let mut results = Vec::with_capacity(specs.len());
            for spec in specs {
                results.push(self.get(spec).await);
            }
            results
        })
    }

    /// Directories in which a change may mean that a secret changed.
    fn watched_directories(&self) -> Vec<PathBuf> {
        Vec::new()
    }
}

/// A secret as a source returned it, not yet cleaned or validated.
#[derive(Debug)]
pub struct RawSecret {
    /// The bytes as they are stored.
    pub value: SecretValue,
    pub(crate) origin: Origin,
    /// The source's id of this version, if it has one.
    pub id: Option<VersionId>,
    pub(crate) created: Created,
    pub(crate) grade: Grade,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) rotation: RotationUpdate<OverlapVersion>,
}

/// A version that is accepted beside the current one, as it was read.
#[derive(Debug)]
pub(crate) struct OverlapVersion {
    pub(crate) id: VersionId,
    /// `None` when it could not be read this time.
    pub(crate) secret: Option<Box<RawSecret>>,
    /// Until when it is accepted; `None` for as long as it is announced.
    pub(crate) accepted_until: Option<SystemTime>,
}

impl RawSecret {
    /// A secure value of unknown age, without a rotation.
    #[must_use]
    pub fn new(value: SecretValue, origin: Origin) -> Self {
        let (created, grade) = (Created::Unknown, Grade::Secure);
        Self { value, origin, id: None, created, grade, warnings: Vec::new(), rotation: RotationUpdate::None }
    }
}
