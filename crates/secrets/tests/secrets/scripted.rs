//! A place that answers as a test tells it to, and counts how often it was asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use secrets::{
    Announced, Answer, Capabilities, Created, Error, Found, Grade, Origin, Outage, Provider, SecretSpec,
    SecretValue, Selector,
};

type Script = Arc<dyn Fn(&SecretSpec, usize) -> Result<&'static str, Error> + Send + Sync>;

/// Answers with what `script` says of a secret and of how often the place was asked before.
#[derive(Clone)]
pub(crate) struct Scripted {
    script: Script,
    calls: Arc<AtomicUsize>,
    batches: Arc<AtomicUsize>,
    takes: Duration,
}

impl Scripted {
    pub(crate) fn new(
        script: impl Fn(&SecretSpec, usize) -> Result<&'static str, Error> + Send + Sync + 'static,
    ) -> Self {
        Self {
            script: Arc::new(script),
            calls: Arc::default(),
            batches: Arc::default(),
            takes: Duration::ZERO,
        }
    }

    pub(crate) fn taking(self, takes: Duration) -> Self {
        Self { takes, ..self }
    }

    /// How often it was asked, for however many secrets at once.
    pub(crate) fn batches(&self) -> usize {
        self.batches.load(Ordering::SeqCst)
    }

    /// How many secrets it was asked for.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl Provider for Scripted {
    fn capabilities(&self) -> Capabilities {
        Capabilities { is_local: false, has_versions: false }
    }

    fn get<'a>(&'a self, spec: &'a SecretSpec, _: &'a Selector) -> Answer<'a, Result<Found, Error>> {
        Box::pin(async move {
            let before = self.calls.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(self.takes).await;
            let raw = SecretValue::from_slice((self.script)(spec, before)?.as_bytes());
            let (origin, created) = (origin(spec), Created::Unknown);
            Ok(Found {
                raw,
                origin,
                id: None,
                created,
                grade: Grade::Secure,
                warnings: Vec::new(),
                announced: Announced::Nothing,
            })
        })
    }

    fn get_many<'a>(&'a self, specs: &'a [&'a SecretSpec]) -> Answer<'a, Vec<Result<Found, Error>>> {
        Box::pin(async move {
            self.batches.fetch_add(1, Ordering::SeqCst);
            let mut found = Vec::new();
            for spec in specs {
                found.push(self.get(spec, &Selector::Current).await);
            }
            found
        })
    }
}

pub(crate) fn origin(spec: &SecretSpec) -> Origin {
    Origin::Aws { id: spec.name.aws_id("test"), region: "eu-central-1".to_owned() }
}

pub(crate) fn not_found(spec: &SecretSpec) -> Error {
    Error::NotFound { name: spec.name.clone(), tried: vec![origin(spec)] }
}

pub(crate) fn throttled(spec: &SecretSpec) -> Error {
    let (name, origin) = (spec.name.clone(), origin(spec));
    Error::Unavailable { name, origin, outage: Outage::Throttled, retry_in: Duration::from_secs(1) }
}
