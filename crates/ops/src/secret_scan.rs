//! Looks up every secret as the server does, and keeps faults and notices beside the values.

use config::check::Finding;
use config::start::{self, SecretCheck};
use secrets::aws::SecretsManager;
use secrets::{Notice, Report, Secrets};
use telemetry::with_causes;

use crate::api_key_list::{self, API_KEYS};
use crate::failure::Failure;
use crate::secret_lookup::SecretLookup;

pub(crate) struct SecretScan {
    pub(crate) report: Report,
    /// With these, the server does not start.
    pub(crate) faults: Vec<Finding>,
    pub(crate) misplaced: Vec<Finding>,
    pub(crate) notices: Vec<Notice>,
    secrets: Secrets,
    manager: Option<SecretsManager>,
}

impl SecretScan {
    pub(crate) async fn run(lookup: &SecretLookup) -> Result<Self, Failure> {
        let checked = start::check_secrets(&lookup.config, &lookup.environment).await;
        checked.map(Self::from).map_err(|error| Failure::Precondition(with_causes(&error)))
    }

    /// AWS Secrets Manager, if the environment configures it.
    pub(crate) fn manager(&self) -> Option<&SecretsManager> {
        self.manager.as_ref()
    }

    pub(crate) fn has_value(&self, name: &str) -> bool {
        self.report.get(name).is_some_and(|entry| entry.version.is_some())
    }

    /// How many of the API keys in use are missing from a new list.
    pub(crate) fn count_removed_keys(&self, new: &str) -> usize {
        let Ok(new) = api_key_list::parse(new) else { return 0 };
        let count = |text: &str| {
            let entries = text.split([',', '\n']).map(str::trim).filter(|entry| !entry.is_empty());
            let keys = entries.map(|entry| entry.rsplit_once(':').map_or(entry, |(key, _role)| key));
            keys.filter(|key| new.find(key.as_bytes()).is_none()).count()
        };
        let set = self.secrets.handle(API_KEYS, "ops").and_then(|handle| handle.load());
        set.ok().and_then(|set| set.value().expose_text().map(count)).unwrap_or_default()
    }
}

impl From<SecretCheck> for SecretScan {
    fn from(SecretCheck { credentials, faults, misplaced, notices, manager }: SecretCheck) -> Self {
        let secrets = credentials.secrets;
        Self { report: secrets.report(), faults, misplaced, notices, secrets, manager }
    }
}
