//! Every secret of a process: found at the start, looked for again, handed out by name.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

use crate::builder::{Builder, Clock};
use crate::catalogue::Catalogue;
use crate::chain::{Chain, Resolved};
use crate::error::{Error, Kind, Misuse};
use crate::event::{AuditSink, Event, Recorder};
use crate::fault::Breach;
use crate::handle::SecretHandle;
use crate::name::SecretName;
use crate::policy;
use crate::profile::Profile;
use crate::report::Report;
use crate::slot::{Outcome, Slot};
use crate::spec::SecretSpec;
use crate::version::SecretVersion;
use crate::warning::{Notice, Warning};

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
pub struct Secrets(Arc<Inner>);

struct Inner {
    slots: BTreeMap<SecretName, Arc<Slot>>,
    chain: Chain,
    witnesses: Witnesses,
    /// Searches begun so far.
    begun: AtomicU64,
    /// The number of the last search and what it brought. Held while a search is under way.
    last: Mutex<(u64, Reloaded)>,
}

/// Who is told what happens.
pub(crate) struct Witnesses {
    pub(crate) recorder: Recorder,
    pub(crate) audit: AuditSink,
}

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

    pub(crate) fn new(slots: BTreeMap<SecretName, Arc<Slot>>, chain: Chain, witnesses: Witnesses) -> Self {
        let (begun, last) = (AtomicU64::new(0), Mutex::default());
        Self(Arc::new(Inner { slots, chain, witnesses, begun, last }))
    }

    /// A component's grip on a declared secret, whether or not it was found.
    ///
    /// # Errors
    /// [`Misuse::Undeclared`] when nobody declared it.
    pub fn handle(&self, name: &str, component: &'static str) -> Result<SecretHandle, Error> {
        let slot =
            self.0.slots.get(name).ok_or_else(|| Error::Config(Misuse::Undeclared(name.to_owned())))?;
        self.0.witnesses.tell(&Event::Handed { name: slot.spec().name.clone(), to: component });
        Ok(SecretHandle::new(Arc::clone(slot), component))
    }

    /// Looks for every secret again: what a hangup signal, a changed directory and the poll call.
    ///
    /// Callers that ask while a search is waiting to begin share it. A caller that goes away does not stop it, and an
    /// unacceptable new value never replaces a good one.
    pub async fn reload(&self) -> Reloaded {
        let inner = Arc::clone(&self.0);
        let asked_after = inner.begun.load(Ordering::SeqCst);
        match tokio::spawn(async move { inner.search_after(asked_after).await }).await {
            Ok(reloaded) => reloaded,
            Err(_) => self.0.interrupted(),
        }
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
}

impl Inner {
    /// Searches, unless a search that began after the caller asked has ended meanwhile.
    async fn search_after(&self, asked_after: u64) -> Reloaded {
        let mut last = self.last.lock().await;
        if last.0 <= asked_after {
            let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
            let known = std::mem::take(&mut last.1.notices);
            *last = (number, self.search(&known).await);
        }
        last.1.clone()
    }

    /// Looks for everything. A notice that is `known` already is not told again.
    async fn search(&self, known: &[Notice]) -> Reloaded {
        let specs: Vec<&SecretSpec> = self.slots.values().map(|slot| slot.spec()).collect();
        let mut found = self.chain.resolve(&specs).await;
        self.refuse_reuse(&specs, &mut found);
        let mut reloaded = Reloaded::default();
        for (slot, found) in self.slots.values().zip(found) {
            self.settle(slot, found, known, &mut reloaded);
        }
        reloaded
    }

    /// Two secrets of one value fall together: the later name is refused, or the reuse is said.
    fn refuse_reuse(&self, specs: &[&SecretSpec], found: &mut [Result<Resolved, Error>]) {
        let values =
            specs.iter().zip(found.iter()).filter_map(|(spec, found)| Some((*spec, found.as_ref().ok()?)));
        for (name, with) in policy::reused(values.map(|(spec, found)| (spec, found.version.value()))) {
            let at = specs.iter().position(|spec| spec.name == name);
            let Some((spec, slot)) = at.and_then(|at| Some((specs[at], found.get_mut(at)?))) else {
                continue;
            };
            let Ok(resolved) = slot else { continue };
            let origin = &resolved.version.provenance().origin;
            match self.chain.allow(spec, origin, Warning::Rule(Breach::Reused { with })) {
                Ok(notice) => resolved.notices.push(notice),
                Err(error) => *slot = Err(error),
            }
        }
    }

    fn settle(&self, slot: &Slot, found: Result<Resolved, Error>, known: &[Notice], reloaded: &mut Reloaded) {
        let name = slot.spec().name.clone();
        let (found, notices) = match found {
            Ok(Resolved { version, notices }) => (Ok(version), notices),
            Err(error) => (Err(error), Vec::new()),
        };
        let outcome = slot.accept(found.clone());
        for notice in notices {
            if !known.contains(&notice) {
                self.witnesses.tell(&Event::Noticed(notice.clone()));
            }
            reloaded.notices.push(notice);
        }
        match (outcome, found) {
            (Outcome::StillAbsent, Err(Error::NotFound { .. })) => {}
            (_, Err(error)) => {
                self.witnesses.tell(&Event::RefreshFailed { name, error: error.clone() });
                reloaded.failed.push(error);
            }
            (Outcome::Confirmed, Ok(_)) => self.witnesses.tell(&Event::Confirmed { name }),
            (outcome, Ok(version)) => {
                self.witnesses.tell(&took_over(&outcome, &name, &version));
                reloaded.changed.push(name);
            }
        }
    }

    /// The search itself failed: no secret was looked at.
    fn interrupted(&self) -> Reloaded {
        let broken = |slot: &Arc<Slot>| Error::Internal {
            name: slot.spec().name.clone(),
            what: "the search panicked",
        };
        Reloaded { failed: self.slots.values().map(broken).collect(), ..Reloaded::default() }
    }
}

fn took_over(outcome: &Outcome, name: &SecretName, version: &SecretVersion) -> Event {
    let (name, origin) = (name.clone(), version.provenance().origin.clone());
    let version = version.id().clone();
    match outcome {
        Outcome::Appeared => Event::Resolved { name, origin, version },
        Outcome::Confirmed | Outcome::Changed | Outcome::Failed | Outcome::StillAbsent => {
            Event::Changed { name, origin, version }
        }
    }
}
