//! Sets up the secrets of a process, looks for all of them and reports everything that is wrong at once.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use crate::catalogue::Catalogue;
use crate::chain::Chain;
use crate::environment::Environment;
use crate::error::{Error, Misuse, Problems};
use crate::event::{AuditSink, Recorder};
use crate::files::SecretFiles;
use crate::fingerprint::FingerprintKey;
use crate::name::SecretName;
use crate::profile::Profile;
use crate::provider::Provider;
use crate::schedule::Jitter;
use crate::search::{Searcher, Witnesses};
use crate::secrets::Secrets;
use crate::slot::Slot;

/// Tells the wall-clock time. Injected, so that a test can set it.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// What a process's secrets are made of; see [`Secrets::builder`].
pub struct Builder {
    profile: Profile,
    catalogue: Catalogue,
    clock: Clock,
    providers: Vec<Arc<dyn Provider>>,
    required: Vec<String>,
    used: Option<Vec<String>>,
    listeners: Vec<SocketAddr>,
    witnesses: Witnesses,
    jitter: Jitter,
}

impl Builder {
    pub(crate) fn new(profile: Profile, catalogue: Catalogue, clock: Clock) -> Self {
        Self {
            profile,
            catalogue,
            clock,
            providers: Vec::new(),
            required: Vec::new(),
            used: None,
            listeners: Vec::new(),
            witnesses: Witnesses { recorder: Arc::new(|_| {}), audit: Arc::new(|_| Ok(())) },
            jitter: Arc::new(chance),
        }
    }

    /// The environment, then the secrets directory, then systemd's credentials if it set any up.
    #[must_use]
    pub fn local(self, environment: Environment, directory: impl Into<PathBuf>) -> Self {
        let credentials = environment.credentials_directory();
        let builder = self.provider(environment).provider(SecretFiles::mounted_at(directory));
        match credentials {
            Some(credentials) => builder.provider(SecretFiles::of_systemd(credentials)),
            None => builder,
        }
    }

    /// One more place, asked after those before it.
    #[must_use]
    pub fn provider(mut self, provider: impl Provider + 'static) -> Self {
        self.providers.push(Arc::new(provider));
        self
    }

    /// A secret without which the settings make no sense, whatever its catalogue entry says.
    #[must_use]
    pub fn require(mut self, name: &str) -> Self {
        self.required.push(name.to_owned());
        self
    }

    /// The secrets that this process uses; those that it requires are among them. Places that cost a call are asked for
    /// these alone, so that a policy there can name exactly them, and a handle of another secret is refused. Without
    /// this every declared secret is asked for.
    #[must_use]
    pub fn using(mut self, names: &[&str]) -> Self {
        self.used = Some(names.iter().map(|name| (*name).to_owned()).collect());
        self
    }

    /// An address that the process listens on. The development profile is refused on any but loopback.
    #[must_use]
    pub fn listen_on(mut self, address: SocketAddr) -> Self {
        self.listeners.push(address);
        self
    }

    /// Who counts what happens.
    #[must_use]
    pub fn recorder(mut self, recorder: Recorder) -> Self {
        self.witnesses.recorder = recorder;
        self
    }

    /// Who keeps a record of what happens.
    #[must_use]
    pub fn audit(mut self, audit: AuditSink) -> Self {
        self.witnesses.audit = audit;
        self
    }

    /// What spreads calls in time; without it, the operating system's randomness.
    #[must_use]
    pub fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// Looks for every declared secret.
    ///
    /// # Errors
    /// Everything that is wrong, at once: contradicting settings, each secret that is required and missing, and each
    /// that is there and not acceptable.
    pub async fn build(self) -> Result<Secrets, Problems> {
        let (secrets, problems) = self.survey().await?;
        if problems.0.is_empty() { Ok(secrets) } else { Err(problems) }
    }

    /// As [`build`](Self::build), and hands out what was found beside what is wrong: for an operator's look, never for
    /// a service to start on.
    ///
    /// # Errors
    /// Contradicting settings alone: with them nothing is looked for.
    pub async fn survey(self) -> Result<(Secrets, Problems), Problems> {
        let misuse = self.misuse();
        let fingerprints = match FingerprintKey::random() {
            Ok(key) if misuse.is_empty() => key,
            Ok(_) => return Err(Problems(misuse)),
            Err(_) => return Err(Problems(vec![Error::Config(Misuse::NoRandomness)])),
        };
        let (required, used) = (self.required_names(), self.used_names());
        let slots: BTreeMap<_, _> =
            self.catalogue.into_specs().map(|spec| (spec.name.clone(), Arc::new(Slot::new(spec)))).collect();
        let chain =
            Chain { providers: self.providers, profile: self.profile, clock: self.clock, fingerprints };
        let secrets = Secrets(Arc::new(Searcher::new(slots, chain, self.witnesses, self.jitter, used)));
        let problems = secrets.warm(&required).await;
        Ok((secrets, Problems(problems)))
    }

    fn misuse(&self) -> Vec<Error> {
        let nowhere = self.providers.is_empty().then_some(Misuse::NoProvider);
        let named = self.required.iter().chain(self.used.iter().flatten());
        let unknown = named.filter(|name| self.catalogue.get(name).is_none());
        let public =
            self.listeners.iter().filter(|address| !address.ip().is_loopback() && !self.profile.is_strict());
        nowhere
            .into_iter()
            .chain(unknown.map(|name| Misuse::Undeclared(name.clone())))
            .chain(public.map(|address| Misuse::DevelopmentInPublic(*address)))
            .map(Error::Config)
            .collect()
    }

    fn used_names(&self) -> Option<BTreeSet<SecretName>> {
        let named: Vec<String> = self.used.iter().flatten().cloned().chain(self.required_names()).collect();
        let specs = named.iter().filter_map(|name| self.catalogue.get(name));
        self.used.as_ref().map(|_| specs.map(|spec| spec.name.clone()).collect())
    }

    fn required_names(&self) -> Vec<String> {
        let declared = self.catalogue.iter().filter(|spec| spec.required_in.contains(&self.profile));
        let mut names = self.required.clone();
        names.extend(declared.map(|spec| spec.name.as_str().to_owned()));
        names
    }
}

/// A number in `[0, 1)` by chance; the middle where there is none to be had.
fn chance() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / (f64::from(u32::MAX) + 1.0))
}
