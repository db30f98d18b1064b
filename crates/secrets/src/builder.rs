//! Configures the secrets of a process, reads all of them and reports all errors at once.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::catalogue::Catalogue;
use crate::chain::Chain;
use crate::clock::Clock;
use crate::environment::{Environment, EnvironmentSource};
use crate::error::{ConfigError, Error, Errors};
use crate::event::{AuditSink, Recorder};
use crate::files::FileSource;
use crate::fingerprint::FingerprintKey;
use crate::profile::Profile;
use crate::search::{Observers, Searcher};
use crate::secrets::Secrets;
use crate::slot::Slot;
use crate::source::Source;

/// The configuration of a process's secrets; see [`Secrets::builder`].
pub struct Builder {
    profile: Profile,
    catalogue: Catalogue,
    clock: Clock,
    sources: Vec<Arc<dyn Source>>,
    required: Vec<String>,
    observers: Observers,
}

impl Secrets {
    /// Starts the configuration of a process's secrets.
    #[must_use]
    pub fn builder(profile: Profile, catalogue: Catalogue, clock: Clock) -> Builder {
        Builder {
            profile,
            catalogue,
            clock,
            sources: Vec::new(),
            required: Vec::new(),
            observers: Observers { recorder: Arc::new(|_| {}), audit: Arc::new(|_| Ok(())) },
        }
    }
}

impl Builder {
    /// Adds the environment, then the secrets directory, then systemd's credentials directory if it is set.
    #[must_use]
    pub fn local(self, environment: Environment, directory: impl Into<PathBuf>) -> Self {
        let credentials = environment.credentials_directory();
        let builder = self.source(EnvironmentSource::new(environment)).source(FileSource::mounted(directory));
        match credentials {
            Some(credentials) => builder.source(FileSource::systemd(credentials)),
            None => builder,
        }
    }

    /// Adds a source, which is queried after the earlier ones.
    #[must_use]
    pub fn source(mut self, source: impl Source + 'static) -> Self {
        self.sources.push(Arc::new(source));
        self
    }

    /// Makes a secret required, whatever its declaration says.
    #[must_use]
    pub fn require(mut self, name: &str) -> Self {
        self.required.push(name.to_owned());
        self
    }

    /// Sets the recorder of events.
    #[must_use]
    pub fn recorder(mut self, recorder: Recorder) -> Self {
        self.observers.recorder = recorder;
        self
    }

    /// Sets the audit sink.
    #[must_use]
    pub fn audit(mut self, audit: AuditSink) -> Self {
        self.observers.audit = audit;
        self
    }

    /// Reads every declared secret.
    ///
    /// # Errors
    /// All errors at once: contradictory settings, missing required secrets, and unacceptable secrets.
    pub async fn build(self) -> Result<Secrets, Errors> {
        let (secrets, errors) = self.inspect().await?;
        if errors.0.is_empty() { Ok(secrets) } else { Err(errors) }
    }

    /// As [`build`](Self::build), but returns the secrets even with errors: for inspection by an operator, never to start
    /// a service.
    ///
    /// # Errors
    /// Contradictory settings; then no secret is read.
    pub async fn inspect(self) -> Result<(Secrets, Errors), Errors> {
        let config_errors = self.config_errors();
        let fingerprints = match FingerprintKey::random() {
            Ok(key) if config_errors.is_empty() => key,
            Ok(_) => return Err(Errors(config_errors)),
            Err(_) => return Err(Errors(vec![Error::Config(ConfigError::NoRandomness)])),
        };
        let required = self.required_names();
        let slots: BTreeMap<_, _> =
            self.catalogue.into_specs().map(|spec| (spec.name.clone(), Arc::new(Slot::new(spec)))).collect();
        let chain = Chain { sources: self.sources, profile: self.profile, clock: self.clock, fingerprints };
        let secrets = Secrets(Arc::new(Searcher::new(slots, chain, self.observers)));
        let errors = secrets.read_all(&required).await;
        Ok((secrets, Errors(errors)))
    }

    fn config_errors(&self) -> Vec<Error> {
        let no_source = self.sources.is_empty().then_some(ConfigError::NoSource);
        let undeclared = self.required.iter().filter(|name| self.catalogue.get(name).is_none());
        no_source
            .into_iter()
            .chain(undeclared.map(|name| ConfigError::Undeclared(name.clone())))
            .map(Error::Config)
            .collect()
    }

    fn required_names(&self) -> Vec<String> {
        let declared = self.catalogue.iter().filter(|spec| spec.required_in.contains(&self.profile));
        let mut names = self.required.clone();
        names.extend(declared.map(|spec| spec.name.as_str().to_owned()));
        names
    }
}
