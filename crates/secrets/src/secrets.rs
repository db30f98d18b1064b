//! Every secret of a process: found at the start, looked for again, handed out by name.

use std::fmt;
use std::sync::Arc;

use crate::builder::{Builder, Clock};
use crate::catalogue::Catalogue;
use crate::error::{Error, Kind, Misuse};
use crate::event::Event;
use crate::handle::SecretHandle;
use crate::name::SecretName;
use crate::profile::Profile;
use crate::report::Report;
use crate::search::Searcher;
use crate::set::SecretSet;
use crate::slot::Slot;
use crate::warning::Notice;

/// Every secret of a process. Cheap to clone.
///
/// ```
/// # async fn example(clock: secrets::Clock) -> Result<(), Box<dyn std::error::Error>> {
/// use secrets::{Catalogue, Environment, Profile, SECRETS_DIRECTORY, Secrets};
///
/// let secrets = Secrets::builder(Profile::Production, Catalogue::product(), clock)
///     .local(Environment::new(std::env::vars_os()), SECRETS_DIRECTORY)
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

/// What looking again brought.
#[derive(Clone, Debug, Default)]
pub struct Reloaded {
    /// Secrets that have another value now, or one at last.
    pub changed: Vec<SecretName>,
    /// What could not be had. A secret that was good before still is, for as long as [`SecretHandle::health`] says.
    pub failed: Vec<Error>,
    /// What should be put right.
    pub notices: Vec<Notice>,
}

impl Secrets {
    /// Begins to set up a process's secrets.
    #[must_use]
    pub fn builder(profile: Profile, catalogue: Catalogue, clock: Clock) -> Builder {
        Builder::new(profile, catalogue, clock)
    }

    /// A component's grip on a declared secret, whether or not it was found.
    ///
    /// # Errors
    /// [`Misuse::Undeclared`] when nobody declared it, [`Misuse::Unused`] when this process said that it does not use it.
    pub fn handle(&self, name: &str, component: &'static str) -> Result<SecretHandle, Error> {
        let slot = self.slot(name)?;
        if !self.0.uses(&slot.spec().name) {
            return Err(Error::Config(Misuse::Unused(slot.spec().name.clone())));
        }
        self.0.witnesses.tell(&Event::Handed { name: slot.spec().name.clone(), to: component });
        Ok(SecretHandle::new(Arc::clone(slot), component))
    }

    /// Looks for every secret again, everywhere: what a hangup signal or an operator asks for.
    ///
    /// Callers that ask while a search is waiting to begin share it. A caller that goes away does not stop it, and an
    /// unacceptable new value never replaces a good one.
    pub async fn reload(&self) -> Reloaded {
        let (searcher, ticket) = (Arc::clone(&self.0), self.0.ticket());
        match tokio::spawn(async move { searcher.all(ticket).await }).await {
            Ok(reloaded) => reloaded,
            Err(_) => self.interrupted(),
        }
    }

    /// Looks for one secret again before its turn, because it was refused where it was used.
    ///
    /// However many ask, a place is asked once; and not at all for a moment after it was, or for a while after it said
    /// that it has no such secret or refused it.
    ///
    /// # Errors
    /// As [`SecretHandle::load`], and [`Misuse::Undeclared`].
    pub async fn refresh(&self, name: &str) -> Result<Arc<SecretSet>, Error> {
        let slot = Arc::clone(self.slot(name)?);
        let (searcher, ticket, sought) = (Arc::clone(&self.0), self.0.ticket(), slot.spec().name.clone());
        let search = tokio::spawn(async move { searcher.one(ticket, &sought).await });
        match search.await {
            Ok(()) => slot.load(),
            Err(_) => Err(panicked(&slot)),
        }
    }

    /// Believes nothing of what is known of a secret, not even its absence, so that the next
    /// [`refresh`](Self::refresh) or the [`watch`](Self::watch) asks at once. Readers keep the value that they have.
    ///
    /// # Errors
    /// [`Misuse::Undeclared`].
    pub async fn invalidate(&self, name: &str) -> Result<(), Error> {
        let slot = self.slot(name)?;
        self.0.doubt(Some(&slot.spec().name)).await;
        Ok(())
    }

    /// As [`invalidate`](Self::invalidate), of every secret.
    pub async fn invalidate_all(&self) {
        self.0.doubt(None).await;
    }

    /// Tells the recorder and the audit sink how often secrets were read, and how often a value before was used, since
    /// this was last told. [`watch`](Self::watch) does it each minute; do it once more before the process ends.
    pub fn tell_usage(&self) {
        self.0.tell_usage();
    }

    /// Where each secret stands, without values.
    #[must_use]
    pub fn report(&self) -> Report {
        Report::of(self.0.slots.values(), (self.0.chain.clock)())
    }

    /// Directories in which a change may mean that a secret changed.
    pub(crate) fn watched(&self) -> Vec<std::path::PathBuf> {
        self.0.chain.providers.iter().flat_map(|provider| provider.watched()).collect()
    }

    /// The first search. A secret that nobody requires may be missing, but not broken.
    pub(crate) async fn warm(&self, required: &[String]) -> Vec<Error> {
        let is_required = |name: &SecretName| required.iter().any(|required| required == name.as_str());
        let failed = self.reload().await.failed;
        let missing = self.0.slots.values().filter(|slot| is_required(&slot.spec().name));
        let missing =
            missing.filter_map(|slot| slot.load().err()).filter(|error| error.kind() == Kind::NotFound);
        failed.into_iter().chain(missing).collect()
    }

    fn slot(&self, name: &str) -> Result<&Arc<Slot>, Error> {
        self.0.slots.get(name).ok_or_else(|| Error::Config(Misuse::Undeclared(name.to_owned())))
    }

    /// The search itself failed: no secret was looked at.
    fn interrupted(&self) -> Reloaded {
        Reloaded { failed: self.0.slots.values().map(|slot| panicked(slot)).collect(), ..Reloaded::default() }
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
