//! AWS Secrets Manager, or an emulator of it in development.
//!
//! ```no_run
//! # async fn example(environment: secrets::Environment, clock: secrets::Clock) -> Result<(), secrets::Error> {
//! use secrets::Profile;
//! use secrets::aws::{SecretsManager, Settings};
//!
//! // Without SECRET_PREFIX nothing is made and nothing is asked.
//! if let Some(settings) = Settings::from_environment(&environment)? {
//!     let manager = SecretsManager::connect(&settings, Profile::Production, clock).await?;
//!     // … `Secrets::builder(…).local(…).provider(manager)` …
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The secret `jwt_secret` has the id `<prefix>/jwt-secret`. All secrets come in one call of up to 20, and with them
//! what is announced of rotations; only while one is announced are its other versions asked for.

mod announcing;
mod batch;
mod client;
mod failure;
mod labels;
mod read;
mod settings;
mod skew;
mod write;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use client::BoundedClient;
#[cfg(test)]
pub(crate) use client::OPERATION_TIMEOUT;
pub use labels::{Description, Label, ListedVersion};
pub use settings::{Batching, CredentialSource, Settings};
pub use write::{RecoveryWindow, Token};

use crate::builder::Clock;
use crate::error::Error;
use crate::event::{AuditSink, Recorder};
use crate::name::SecretName;
use crate::origin::Origin;
use crate::profile::Profile;
use crate::provider::{Answer, Capabilities, Found, Provider, Selector};
use crate::spec::SecretSpec;

/// AWS Secrets Manager, as one product in one environment sees it. Cheap to clone.
#[derive(Clone)]
pub struct SecretsManager {
    inner: Arc<Inner>,
    recorder: Recorder,
    audit: AuditSink,
}

struct Inner {
    client: BoundedClient,
    prefix: String,
    region: String,
    clock: Clock,
    /// Set where the settings or the policy ask for it.
    is_one_by_one: AtomicBool,
}

impl SecretsManager {
    /// Sets up. Nothing is asked yet, so wrong credentials show at the first call.
    ///
    /// # Errors
    /// [`Error::Config`] for another endpoint than AWS's own in production or staging, or one that is neither https nor
    /// loopback.
    pub async fn connect(settings: &Settings, profile: Profile, clock: Clock) -> Result<Self, Error> {
        settings.check(profile)?;
        let inner = Inner {
            client: BoundedClient::new(settings, Arc::clone(&clock)).await,
            prefix: settings.prefix.clone(),
            region: settings.region.clone(),
            clock,
            is_one_by_one: AtomicBool::new(settings.batching == Batching::OneByOne),
        };
        Ok(Self { inner: Arc::new(inner), recorder: Arc::new(|_| {}), audit: Arc::new(|_| Ok(())) })
    }

    /// Who counts calls and changes.
    #[must_use]
    pub fn recorder(self, recorder: Recorder) -> Self {
        Self { recorder, ..self }
    }

    /// Who keeps a record of changes. A change whose record cannot be kept is not made.
    #[must_use]
    pub fn audit(self, audit: AuditSink) -> Self {
        Self { audit, ..self }
    }

    /// How far our clock was from the service's at its last answer, to the second; `None` before the first one.
    #[must_use]
    pub fn clock_skew(&self) -> Option<Duration> {
        self.inner.client.clock_skew()
    }

    /// Where a secret lies.
    #[must_use]
    pub fn origin(&self, name: &SecretName) -> Origin {
        Origin::Aws { id: self.id(name), region: self.inner.region.clone() }
    }

    fn id(&self, name: &SecretName) -> String {
        name.aws_id(&self.inner.prefix)
    }

    fn is_one_by_one(&self) -> bool {
        self.inner.is_one_by_one.load(Ordering::Relaxed)
    }
}

impl Provider for SecretsManager {
    fn capabilities(&self) -> Capabilities {
        Capabilities { is_local: false, has_versions: true }
    }

    fn get<'a>(&'a self, spec: &'a SecretSpec, which: &'a Selector) -> Answer<'a, Result<Found, Error>> {
        Box::pin(self.find(&spec.name, which))
    }

    fn get_many<'a>(&'a self, specs: &'a [&'a SecretSpec]) -> Answer<'a, Vec<Result<Found, Error>>> {
        Box::pin(async move {
            let names: Vec<SecretName> = specs.iter().map(|spec| spec.name.clone()).collect();
            self.find_many(names).await
        })
    }
}
