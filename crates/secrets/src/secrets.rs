//! Every secret of a process: read at startup, refreshed, and available by name.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::{ConfigError, Error, ErrorKind};
use crate::event::Event;
use crate::handle::SecretHandle;
use crate::name::SecretName;
use crate::report::Report;
use crate::search::{ReloadOutcome, Searcher};
use crate::set::SecretSet;
use crate::slot::Slot;

/// Every secret of a process. Cheap to clone.
///
/// ```
/// # async fn example(clock: secrets::Clock) -> Result<(), Box<dyn std::error::Error>> {
/// use secrets::{Catalogue, Environment, Profile, SECRETS_DIRECTORY, Secrets};
///
/// let secrets = Secrets::builder(Profile::Production, Catalogue::product(), clock)
///     .local(Environment::from_process(), SECRETS_DIRECTORY)
///     .require("api_keys")
///     .build()
///     .await?;
/// let polygon = secrets.handle("polygon_api_key", "market-data")?;
/// if let Ok(set) = polygon.load() {
///     let key: &[u8] = set.value().expose();
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Secrets(pub(crate) Arc<Searcher>);

impl Secrets {
    /// A handle of a declared secret for a component, whether or not the secret was found.
    ///
    /// # Errors
    /// [`ConfigError::Undeclared`].
    pub fn handle(&self, name: &str, component: &'static str) -> Result<SecretHandle, Error> {
        let slot = self.slot(name)?;
        let name = &slot.spec().name;
        self.0.observers.notify(&Event::HandleOpened { name: name.clone(), component });
        Ok(SecretHandle::new(Arc::clone(slot), component))
    }

    /// Reads every secret again from every source, as a hangup signal or an operator requests.
    ///
    /// Callers share a search that has not started yet. Dropping the future does not stop the search, and an unacceptable
    /// new value never replaces a good one.
    pub async fn reload(&self) -> ReloadOutcome {
        let (searcher, ticket) = (Arc::clone(&self.0), self.0.ticket());
        match tokio::spawn(async move { searcher.all(ticket).await }).await {
            Ok(outcome) => outcome,
            Err(_) => ReloadOutcome {
                failed: self.0.slots.values().map(|slot| panicked(slot)).collect(),
                ..ReloadOutcome::default()
            },
        }
    }

    /// Reads one secret again before it is due, because it was refused where it was used.
    ///
    /// Concurrent callers share one read. The last result is returned within a second of a read, 10 s of "access denied",
    /// or 30 s of "not found".
    ///
    /// # Errors
    /// As [`SecretHandle::load`], and [`ConfigError::Undeclared`].
    pub async fn refresh(&self, name: &str) -> Result<Arc<SecretSet>, Error> {
        let slot = Arc::clone(self.slot(name)?);
        let (searcher, ticket, name) = (Arc::clone(&self.0), self.0.ticket(), slot.spec().name.clone());
        let search = tokio::spawn(async move { searcher.one(ticket, &name).await });
        match search.await {
            Ok(()) => slot.load(),
            Err(_) => Err(panicked(&slot)),
        }
    }

    /// Makes a secret due, so that the next [`refresh`](Self::refresh) or the [`watch`](Self::watch) reads it at once.
    /// Readers keep the current value until then.
    ///
    /// # Errors
    /// [`ConfigError::Undeclared`].
    pub async fn invalidate(&self, name: &str) -> Result<(), Error> {
        self.0.invalidate(&self.slot(name)?.spec().name).await;
        Ok(())
    }

    /// Reports how often secrets were read, and previous values used, since the last report. [`watch`](Self::watch)
    /// reports every minute; call this once more before the process exits.
    pub fn report_usage(&self) {
        self.0.report_usage();
    }

    /// The state of every secret, without values.
    #[must_use]
    pub fn report(&self) -> Report {
        Report::new(self.0.slots.values(), (self.0.chain.clock)())
    }

    /// Directories in which a change may mean that a secret changed.
    pub(crate) fn watched_directories(&self) -> Vec<PathBuf> {
        self.0.chain.sources.iter().flat_map(|source| source.watched_directories()).collect()
    }

    /// The first search. A secret that is not required may be missing, but not broken.
    pub(crate) async fn read_all(&self, required: &[String]) -> Vec<Error> {
        let is_required = |name: &SecretName| required.iter().any(|required| required == name.as_str());
        let failed = self.reload().await.failed;
        let missing = self.0.slots.values().filter(|slot| is_required(&slot.spec().name));
        let missing =
            missing.filter_map(|slot| slot.load().err()).filter(|error| error.kind() == ErrorKind::NotFound);
        failed.into_iter().chain(missing).collect()
    }

    fn slot(&self, name: &str) -> Result<&Arc<Slot>, Error> {
        self.0.slots.get(name).ok_or_else(|| Error::Config(ConfigError::Undeclared(name.to_owned())))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Secrets").field("declared", &self.0.slots.len()).finish_non_exhaustive()
    }
}

fn panicked(slot: &Slot) -> Error {
    Error::Internal { name: slot.spec().name.clone(), what: "the search panicked" }
}
