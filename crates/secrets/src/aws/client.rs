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
    BehaviorVersion, Config, Credentials, IdentityCache, Region, SharedCredentialsProvider, SharedHttpClient,
};
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::operation::RequestId;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, ConnectorBuilder};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::failure::{Cause, Failure};
use super::settings::{CredentialSource, Proxy, Settings};
use super::skew::SkewMeter;
use crate::clock::Clock;
use crate::error::{ConfigError, Error};
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
    pub(super) async fn new(settings: &Settings, clock: Clock) -> Result<Self, Error> {
        let skew = SkewMeter::new(clock);
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(OPERATION_TIMEOUT)
            .build();
        let http = http_client(proxy_config(settings.proxy.as_ref())?);
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(http.clone())
            .region(Region::new(settings.region.clone()))
            .credentials_provider(credentials(settings, http).await)
            .timeout_config(timeouts)
            .interceptor(skew.clone())
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX));
        config.set_endpoint_url(settings.endpoint.clone());
        let config = config.build();
        let client = ArcSwap::from_pointee(Client::from_conf(config));
        Ok(Self { client, skew, permits: Semaphore::new(CALLS_MAX) })
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

/// The SDK's default client, but with our proxy instead of the one that it reads from the environment by itself.
fn http_client(proxy: ProxyConfig) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = ConnectorBuilder::default().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
        connector.set_connector_settings(settings.cloned());
        connector.set_proxy_config(Some(proxy.clone()));
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.build()
    })
}

/// The error of the SDK repeats the URL.
fn proxy_config(proxy: Option<&Proxy>) -> Result<ProxyConfig, Error> {
    let Some(Proxy { url, exceptions }) = proxy else { return Ok(ProxyConfig::disabled()) };
    let config = ProxyConfig::https(url.expose_text().unwrap_or_default());
    let config = config.map_err(|_| Error::Config(ConfigError::Proxy))?;
    Ok(config.no_proxy(exceptions))
}

/// The services that issue credentials are called like AWS itself; those of the machine use plain HTTP and no proxy.
async fn credentials(settings: &Settings, http: SharedHttpClient) -> SharedCredentialsProvider {
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
            let config = ProviderConfig::without_region().with_region(Some(region)).with_http_client(http);
            SharedCredentialsProvider::new(DefaultCredentialsChain::builder().configure(config).build().await)
        }
    }
}
