//! AWS Secrets Manager, or an emulator of it in development.
//!
//! ```no_run
//! # async fn example(environment: secrets::Environment, clock: secrets::Clock) -> Result<(), secrets::Error> {
//! use secrets::Profile;
//! use secrets::aws::{SecretsManager, Settings};
//!
//! // Without SECRET_PREFIX, AWS is not used.
//! if let Some(settings) = Settings::from_environment(&environment)? {
//!     let manager = SecretsManager::connect(&settings, Profile::Production, clock).await?;
//!     // … `Secrets::builder(…).local(…).source(manager)` …
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The secret `audit_key` has the id `<prefix>/audit-key`. All secrets are read in calls of up to 20, together with
//! the announcements of rotations; other versions are read only while a rotation is announced.

mod announce;
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
pub use read::Selector;
pub use settings::{Batching, CredentialSource, Proxy, Settings};
pub use write::{RecoveryWindow, Token};

use crate::clock::Clock;
use crate::error::Error;
use crate::event::{AuditSink, Recorder};
use crate::name::SecretName;
use crate::origin::Origin;
use crate::profile::Profile;
use crate::source::{BoxFuture, RawSecret, Source};
use crate::spec::SecretSpec;

/// AWS Secrets Manager, limited to the secrets of one product in one environment. Cheap to clone.
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
    /// Set by the settings, or when the policy does not grant batches.
    is_one_by_one: AtomicBool,
    /// Whether the announcements were read before.
    has_announcements: AtomicBool,
}

impl SecretsManager {
    /// Configures a client without a call: wrong credentials fail at the first read.
    ///
    /// # Errors
    /// [`Error::Config`] for an endpoint other than AWS's own in production or staging, or one that is neither https
    /// nor loopback.
    pub async fn connect(settings: &Settings, profile: Profile, clock: Clock) -> Result<Self, Error> {
        settings.check(profile)?;
        let inner = Inner {
            client: BoundedClient::new(settings, Arc::clone(&clock)).await?,
            prefix: settings.prefix.clone(),
            region: settings.region.clone(),
            clock,
            is_one_by_one: AtomicBool::new(settings.batching == Batching::OneByOne),
            has_announcements: AtomicBool::new(false),
        };
        Ok(Self { inner: Arc::new(inner), recorder: Arc::new(|_| {}), audit: Arc::new(|_| Ok(())) })
    }

    /// Sets the recorder of calls and changes.
    #[must_use]
    pub fn recorder(self, recorder: Recorder) -> Self {
        Self { recorder, ..self }
    }

    /// Sets the audit sink of changes. A change that cannot be recorded is not made.
    #[must_use]
    pub fn audit(self, audit: AuditSink) -> Self {
        Self { audit, ..self }
    }

    /// The difference between our clock and the service's at its last response, to the second; `None` before the first.
    #[must_use]
    pub fn clock_skew(&self) -> Option<Duration> {
        self.inner.client.clock_skew()
    }

    /// Where a secret is stored.
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

impl Source for SecretsManager {
    fn is_local(&self) -> bool {
        false
    }

    fn get<'a>(&'a self, spec: &'a SecretSpec) -> BoxFuture<'a, Result<RawSecret, Error>> {
        Box::pin(self.find(&spec.name, &Selector::CURRENT))
    }

    fn get_many<'a>(&'a self, specs: &'a [&'a SecretSpec]) -> BoxFuture<'a, Vec<Result<RawSecret, Error>>> {
        Box::pin(async move {
            let names: Vec<SecretName> = specs.iter().map(|spec| spec.name.clone()).collect();
            self.find_many(names).await
        })
    }
}
