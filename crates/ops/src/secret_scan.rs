//! Looks up every secret as the server does, and keeps the errors and notices beside the values.

use std::sync::{Arc, Mutex, PoisonError};

use secrets::aws::SecretsManager;
use secrets::{Builder, Catalogue, Error, Event, Notice, Recorder, Report, Secrets};

use crate::api_key_list::{self, API_KEYS};
use crate::aws_account;
use crate::console::Console;
use crate::failure::Failure;
use crate::secret_lookup::SecretLookup;

pub(crate) struct SecretScan {
    pub(crate) report: Report,
    pub(crate) errors: Vec<Error>,
    /// Signs of a value in the wrong place: errors outside development.
    pub(crate) misplaced: Vec<Error>,
    pub(crate) notices: Vec<Notice>,
    secrets: Secrets,
    manager: Option<SecretsManager>,
}

impl SecretScan {
    pub(crate) async fn run(lookup: &SecretLookup, console: &Console) -> Result<Self, Failure> {
        let (recorder, notices) = collect_notices();
        let builder = Secrets::builder(lookup.profile, Catalogue::product(), console.clock())
            .local(console.environment().clone(), &lookup.directory)
            .recorder(recorder);
        let (builder, manager, refused) = with_aws(builder, lookup, console).await?;
        let builder = lookup.required.iter().fold(builder, |builder, name| builder.require(name));
        let (secrets, errors) = builder.inspect().await.map_err(Failure::Secrets)?;
        let errors = errors.0.into_iter().chain(refused).collect();
        let misplaced = secrets::directory_errors(&lookup.directory, &Catalogue::product());
        Ok(Self { report: secrets.report(), errors, misplaced, notices: notices(), secrets, manager })
    }

    /// AWS Secrets Manager, if the environment configures it.
    pub(crate) fn manager(&self) -> Option<&SecretsManager> {
        self.manager.as_ref()
    }

    pub(crate) fn has_value(&self, name: &str) -> bool {
        self.report.get(name).is_some_and(|entry| entry.version.is_some())
    }

    /// Passes the list of API keys in use to `read`, if there is one.
    pub(crate) fn with_api_keys<T>(&self, read: impl FnOnce(&str) -> T) -> Option<T> {
        let version = self.secrets.handle(API_KEYS, "ops").ok()?.load().ok()?;
        version.value().expose_text().map(read)
    }

    /// How many of the API keys in use are missing from a new list.
    pub(crate) fn count_removed_keys(&self, new: &str) -> usize {
        let Ok(new) = api_key_list::parse(new) else { return 0 };
        let count = |text: &str| {
            let entries = text.split([',', '\n']).map(str::trim).filter(|entry| !entry.is_empty());
            let keys = entries.map(|entry| entry.rsplit_once(':').map_or(entry, |(key, _role)| key));
            keys.filter(|key| new.find(key.as_bytes()).is_none()).count()
        };
        self.with_api_keys(count).unwrap_or_default()
    }
}

/// A recorder that collects notices, and a function that returns them.
pub(crate) fn collect_notices() -> (Recorder, impl Fn() -> Vec<Notice>) {
    let collected = Arc::new(Mutex::new(Vec::new()));
    let notices = Arc::clone(&collected);
    let recorder = move |event: &Event| {
        if let Event::Notice(notice) = event {
            collected.lock().unwrap_or_else(PoisonError::into_inner).push(notice.clone());
        }
    };
    (Arc::new(recorder), move || notices.lock().unwrap_or_else(PoisonError::into_inner).clone())
}

/// Adds Secrets Manager if the environment configures it. If the profile forbids it, the scan reports that as an error.
async fn with_aws(
    builder: Builder,
    lookup: &SecretLookup,
    console: &Console,
) -> Result<(Builder, Option<SecretsManager>, Option<Error>), Failure> {
    let Some(settings) = aws_account::settings(console)? else { return Ok((builder, None, None)) };
    match SecretsManager::connect(&settings, lookup.profile, console.clock()).await {
        Ok(manager) => Ok((builder.source(manager.clone()), Some(manager), None)),
        Err(error) => Ok((builder, None, Some(error))),
    }
}
