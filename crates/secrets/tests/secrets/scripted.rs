//! A source with a script, which counts its calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use secrets::{
    BoxFuture, Error, Origin, Outage, Profile, RawSecret, SecretSpec, SecretValue, Secrets, Source,
};

use crate::fixture::{clock, keys};

type Script = Arc<dyn Fn(&SecretSpec, usize) -> Result<&'static str, Error> + Send + Sync>;

/// Returns the result of `script` for a secret and the number of earlier calls.
#[derive(Clone)]
pub(crate) struct Scripted {
    script: Script,
    calls: Arc<AtomicUsize>,
    batches: Arc<AtomicUsize>,
    delay: Duration,
}

impl Scripted {
    pub(crate) fn new(
        script: impl Fn(&SecretSpec, usize) -> Result<&'static str, Error> + Send + Sync + 'static,
    ) -> Self {
        Self {
            script: Arc::new(script),
            calls: Arc::default(),
            batches: Arc::default(),
            delay: Duration::ZERO,
        }
    }

    pub(crate) fn delayed(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// Calls for one or more secrets.
    pub(crate) fn batches(&self) -> usize {
        self.batches.load(Ordering::SeqCst)
    }

    /// Secrets in all calls.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl Source for Scripted {
    fn is_local(&self) -> bool {
        false
    }

    fn get<'a>(&'a self, spec: &'a SecretSpec) -> BoxFuture<'a, Result<RawSecret, Error>> {
        Box::pin(async move {
            let before = self.calls.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(self.delay).await;
            let value = SecretValue::from_slice((self.script)(spec, before)?.as_bytes());
            Ok(RawSecret::new(value, origin(spec)))
        })
    }

    fn get_many<'a>(&'a self, specs: &'a [&'a SecretSpec]) -> BoxFuture<'a, Vec<Result<RawSecret, Error>>> {
        Box::pin(async move {
            self.batches.fetch_add(1, Ordering::SeqCst);
            let mut results = Vec::new();
            for spec in specs {
                results.push(self.get(spec).await);
            }
            results
        })
    }
}

/// The secrets of a process with one source.
pub(crate) async fn secrets(source: Scripted, names: &[&str]) -> Secrets {
    Secrets::builder(Profile::Production, keys(names), clock()).source(source).build().await.unwrap()
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
