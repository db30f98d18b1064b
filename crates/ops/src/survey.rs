//! Finds every secret as the server does, and keeps what was found beside what is wrong.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use config::api_keys::{KeyErrors, KeySet};
use rate_limit::Limit;
use secrets::aws::SecretsManager;
use secrets::{Builder, Catalogue, Error, Event, Notice, Report, Secrets};

use crate::account;
use crate::console::Console;
use crate::failure::Failure;
use crate::place::Place;

/// The secret that says who may call the API.
pub(crate) const API_KEYS: &str = "api_keys";

/// What was found, and what is wrong with it.
pub(crate) struct Survey {
    pub(crate) report: Report,
    pub(crate) problems: Vec<Error>,
    pub(crate) notices: Vec<Notice>,
    secrets: Secrets,
    account: Option<SecretsManager>,
}

impl Survey {
    /// Looks everywhere.
    pub(crate) async fn of(place: &Place, console: &Console) -> Result<Self, Failure> {
        let notices = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&notices);
        let note = move |event: &Event| {
            if let Event::Notice(notice) = event {
                noted.lock().unwrap_or_else(PoisonError::into_inner).push(notice.clone());
            }
        };
        let builder = Secrets::builder(place.profile, Catalogue::product(), console.clock())
            .local(console.environment().clone(), &place.directory)
            .recorder(Arc::new(note));
        let (builder, account, refused) = with_aws(builder, place, console).await?;
        let builder = place.required.iter().fold(builder, |builder, name| builder.require(name));
        let (secrets, problems) = builder.inspect().await.map_err(Failure::Secrets)?;
        let notices = notices.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let problems = problems.0.into_iter().chain(refused).collect();
        Ok(Self { report: secrets.report(), problems, notices, secrets, account })
    }

    /// AWS Secrets Manager, where the environment asks for it.
    pub(crate) fn account(&self) -> Option<&SecretsManager> {
        self.account.as_ref()
    }

    /// What the server would refuse in the list of API keys, if there is one.
    pub(crate) fn key_faults(&self) -> Option<KeyErrors> {
        let set = self.secrets.handle(API_KEYS, "ops").ok()?.load().ok()?;
        key_faults(set.value().expose_text()?)
    }
}

impl Survey {
    /// How many of the API keys in use a new list does not have; none for another secret than that list.
    pub(crate) fn keys_left_out(&self, new: &str) -> usize {
        let held = self.secrets.handle(API_KEYS, "ops").and_then(|handle| handle.load()).ok();
        let held = held.as_ref().and_then(|set| set.value().expose_text()).unwrap_or_default();
        let Ok(new) = key_set(new) else { return 0 };
        let keys = held.split([',', '\n']).map(str::trim).filter(|entry| !entry.is_empty());
        let keys = keys.map(|entry| entry.rsplit_once(':').map_or(entry, |(key, _role)| key));
        keys.filter(|key| new.find(key.as_bytes()).is_none()).count()
    }
}

/// Adds Secrets Manager where the environment asks for it. What these rules refuse of it is a problem like any other.
async fn with_aws(
    builder: Builder,
    place: &Place,
    console: &Console,
) -> Result<(Builder, Option<SecretsManager>, Option<Error>), Failure> {
    let Some(settings) = account::settings(console)? else { return Ok((builder, None, None)) };
    match SecretsManager::connect(&settings, place.profile, console.clock()).await {
        Ok(manager) => Ok((builder.source(manager.clone()), Some(manager), None)),
        Err(error) => Ok((builder, None, Some(error))),
    }
}

/// What the server would refuse in a list of API keys.
pub(crate) fn key_faults(text: &str) -> Option<KeyErrors> {
    key_set(text).err()
}

/// The keys of a list, as the server reads it.
fn key_set(text: &str) -> Result<KeySet, KeyErrors> {
    let any = Limit { per_minute: NonZeroU32::MIN, burst: NonZeroU32::MIN };
    KeySet::parse(text, any)
}
