//! The SDK's client with limits: few calls at a time, each counted, and one retry with new credentials.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::provider_config::ProviderConfig;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::config::{
    BehaviorVersion, Config, Credentials, IdentityCache, Region, SharedCredentialsProvider,
};
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::operation::RequestId;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::failure::{Cause, Failure};
use super::settings::{CredentialSource, Settings};
use super::skew::SkewMeter;
use crate::clock::Clock;
use crate::event::{Event, Recorder};
use crate::value::SecretValue;

/// By default, the SDK sets only a connect timeout, and a longer one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);
pub(crate) const OPERATION_TIMEOUT: Duration = Duration::from_secs(5);
const ATTEMPTS_MAX: u32 = 3;
/// Concurrent calls.
const CALLS_MAX: usize = 4;

pub(super) struct BoundedClient {
    client: ArcSwap<Client>,
    skew: SkewMeter,
    permits: Semaphore,
}

impl BoundedClient {
    pub(super) async fn new(settings: &Settings, clock: Clock) -> Self {
        let skew = SkewMeter::new(clock);
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(OPERATION_TIMEOUT)
            .build();
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(settings.region.clone()))
            .credentials_provider(credentials(settings).await)
            .timeout_config(timeouts)
            .interceptor(skew.clone())
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX));
        config.set_endpoint_url(settings.endpoint.clone());
        let config = config.build();
        let client = ArcSwap::from_pointee(Client::from_conf(config));
        Self { client, skew, permits: Semaphore::new(CALLS_MAX) }
    }

    pub(super) fn clock_skew(&self) -> Option<Duration> {
        self.skew.last()
    }

    /// Calls once, and once more with new credentials when those in use have expired.
    pub(super) async fn call<T, E, Sent>(
        &self,
        operation: &'static str,
        recorder: &Recorder,
        send: impl Fn(Arc<Client>) -> Sent,
    ) -> Result<T, Failure>
    where
        E: ProvideErrorMetadata,
        SdkError<E>: RequestId,
        Sent: Future<Output = Result<T, SdkError<E>>>,
    {
        let _permit = self.permits.acquire().await;
        let attempt = async || {
            let start = Instant::now();
            let result = send(self.client.load_full()).await.map_err(|error| Failure::from_sdk(&error));
            let outcome = result.as_ref().map_or_else(Failure::label, |_| "ok");
            recorder(&Event::ApiCall { operation, outcome, elapsed: start.elapsed() });
            result
        };
        match attempt().await {
            Err(failure) if failure.cause == Cause::CredentialsExpired => {
                self.reset_credentials();
                attempt().await
            }
            result => result,
        }
    }

    /// Drops the cached credentials, so that the next call loads new ones.
    fn reset_credentials(&self) {
        let config = self.client.load().config().to_builder();
        let config = config.identity_cache(IdentityCache::lazy().build()).build();
        self.client.store(Arc::new(Client::from_conf(config)));
    }
}

async fn credentials(settings: &Settings) -> SharedCredentialsProvider {
    match &settings.credentials {
        CredentialSource::Static { access_key_id, secret_access_key, session_token } => {
            let text = |value: &SecretValue| value.expose_text().unwrap_or_default().to_owned();
            SharedCredentialsProvider::new(Credentials::new(
                access_key_id,
                text(secret_access_key),
                session_token.as_ref().map(text),
                None,
                "environment",
            ))
        }
        CredentialSource::DefaultChain => {
            let region = Region::new(settings.region.clone());
            let config = ProviderConfig::without_region().with_region(Some(region));
            SharedCredentialsProvider::new(DefaultCredentialsChain::builder().configure(config).build().await)
        }
    }
}
