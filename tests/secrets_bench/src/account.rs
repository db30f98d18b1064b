//! Clients of a fake Secrets Manager.

use std::sync::Arc;
use std::time::SystemTime;

use aws_sdk_secretsmanager::config::{self, BehaviorVersion, Credentials, Region};
use secrets::aws::{Batching, CredentialSource, SecretsManager, Settings};
use secrets::{Clock, Profile, SecretValue};
use tests::secrets_manager::{ACCESS_KEY_ID, FakeSecretsManager, REGION, SECRET_ACCESS_KEY};

pub(crate) const PREFIX: &str = "investiq/bench";

/// Our client.
pub(crate) async fn manager(fake: &FakeSecretsManager) -> Result<SecretsManager, secrets::Error> {
    let secret_access_key = SecretValue::from_slice(SECRET_ACCESS_KEY.as_bytes());
    let access_key_id = ACCESS_KEY_ID.to_owned();
    let credentials = CredentialSource::Static { access_key_id, secret_access_key, session_token: None };
    let (prefix, region, endpoint) = (PREFIX.to_owned(), REGION.to_owned(), Some(fake.endpoint_url()));
    let settings = Settings { prefix, region, endpoint, credentials, batching: Batching::Together, proxy: None };
    SecretsManager::connect(&settings, Profile::Development, clock()).await
}

/// The SDK's configuration.
pub(crate) fn sdk(fake: &FakeSecretsManager) -> config::Builder {
    let credentials = Credentials::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY, None, None, "bench");
    config::Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(credentials)
        .endpoint_url(fake.endpoint_url())
}

/// No measurement reads the time.
pub(crate) fn clock() -> Clock {
    Arc::new(|| SystemTime::UNIX_EPOCH)
}
