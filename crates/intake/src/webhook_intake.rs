//! Verifies deliveries, stores them, and counts outcomes.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use domain::Provider;
use http::HeaderMap;
use jiff::Timestamp;
use outbound::Proxy;
use secrets::Secrets;
use store::{Receipt, Store};
use telemetry::metrics::{Metrics, ProviderMetrics};
use telemetry::traces::{self, SpanKind};
use tokio::sync::Notify;
use webhooks::{Endpoint, PROVIDERS, Proof, ProviderSettings, VerifyFn};

use crate::circle::{CircleVerifier, FetchedKey};
use crate::error::{BuildError, IntakeError};
use crate::log_sampler::LogSampler;
use crate::secret_keys::SecretKeys;
use crate::verified_request::VerifiedRequest;

/// A request to a webhook endpoint.
#[derive(Clone, Copy, Debug)]
pub struct IncomingRequest<'r> {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The headers; some schemes put the signature there.
    pub headers: &'r HeaderMap,
    /// The address of the sender; `None` for a request that an operator tests.
    pub client: Option<IpAddr>,
}

/// The outcome of an accepted request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The delivery is stored, now or by an earlier copy.
    Stored(Receipt),
    /// The subscription is confirmed.
    Confirmed,
    /// The end of a subscription is recorded.
    Noted,
}

/// Verifies deliveries and stores them.
#[derive(Debug)]
pub struct WebhookIntake {
    /// The store of deliveries.
    pub store: Store,
    /// Notified when a job was added.
    pub work_available: Arc<Notify>,
    /// The settings of each provider.
    pub settings: ProviderSettings,
    metrics: Arc<Metrics>,
    verifiers: [Verifier; Provider::ALL.len()],
    circle: CircleVerifier,
    samplers: [LogSampler; Provider::ALL.len()],
}

/// Verifies the deliveries of one provider.
#[derive(Debug)]
enum Verifier {
    Keys { keys: SecretKeys, verify: VerifyFn },
    Circle,
}

impl WebhookIntake {
    /// An intake with the keys in `secrets`, which fetches those of Circle through `proxy`.
    ///
    /// # Errors
    /// A setting or a secret is invalid.
    pub fn new(
        settings: ProviderSettings,
        secrets: &Secrets,
        store: Store,
        metrics: Arc<Metrics>,
        proxy: &Proxy,
    ) -> Result<Self, BuildError> {
        let mut verifiers = Vec::with_capacity(PROVIDERS.len());
        for declaration in PROVIDERS {
            verifiers.push(match &declaration.proof {
                Proof::Keys { secret, format, verify, .. } => {
                    let keys = SecretKeys::new(secrets.handle(secret, "webhooks")?, *format);
                    Verifier::Keys { keys, verify: *verify }
                }
                Proof::Circle => Verifier::Circle,
            });
        }
        let circle_settings = settings.provider(Provider::Circle);
        Ok(Self {
            circle: CircleVerifier::new(circle_settings, secrets, &store, &metrics, proxy)?,
            store,
            work_available: Arc::new(Notify::new()),
            metrics,
            settings,
            verifiers: verifiers.try_into().expect("PROVIDERS has one entry for each provider"),
            samplers: Default::default(),
        })
    }

    /// Verifies a request and stores its delivery durably. Errors are counted, and logged every few seconds without the
    /// delivery.
    ///
    /// # Errors
    /// The delivery is not accepted. It is not stored, but after [`store::ReceiveError::Unavailable`] it may be: the result
    /// came too late.
    pub async fn receive(
        &self,
        request: IncomingRequest<'_>,
        body: Bytes,
        now: Timestamp,
    ) -> Result<Outcome, IntakeError> {
        let (provider, body_bytes) = (request.endpoint.provider(), body.len());
        let outcome = self.verify_and_store(request, body, now).await;
        outcome.inspect_err(|error| self.note_error(provider, error, body_bytes, now))
    }

    async fn verify_and_store(
        &self,
        request: IncomingRequest<'_>,
        body: Bytes,
        now: Timestamp,
    ) -> Result<Outcome, IntakeError> {
        let counters = self.counters(request.endpoint.provider());
        let (verified, fetched_key) = self.verify_by(request, body, now).await?;
        counters.verified.inc();
        match verified {
            VerifiedRequest::Delivery(delivery) => {
                let mut span = traces::child(SpanKind::Producer, || "store webhook_events");
                let stored = span.enter(self.store.receive(&delivery, now)).await;
                let receipt = stored.inspect_err(|_| span.fail("unavailable"))?;
                span.set_with("messaging.message.id", || receipt.id().to_string());
                drop(span);
                match receipt {
                    Receipt::Stored(_) => {
                        counters.stored.inc();
                        self.work_available.notify_one();
                    }
                    Receipt::Duplicate(_) => counters.duplicate.inc(),
                    Receipt::Conflict(event) => {
                        counters.conflict.inc();
                        tracing::error!(%event, "an event with this id and other content was received before");
                    }
                }
                if let Some(key) = fetched_key {
                    Box::pin(self.circle.keys.note_use(&key, now)).await;
                }
                Ok(Outcome::Stored(receipt))
            }
            VerifiedRequest::Confirmation(confirmation) => {
                Box::pin(self.circle.sns.confirm(&confirmation, now)).await?;
                counters.confirmed.inc();
                Ok(Outcome::Confirmed)
            }
            VerifiedRequest::SubscriptionEnd(end) => {
                Box::pin(self.circle.sns.note_end(&end, now)).await.map(|()| Outcome::Noted)
            }
        }
    }

    /// Verifies a request without storing it.
    ///
    /// # Errors
    /// The request is not verified.
    pub async fn verify(
        &self,
        request: IncomingRequest<'_>,
        body: Bytes,
        now: Timestamp,
    ) -> Result<VerifiedRequest, IntakeError> {
        self.verify_by(request, body, now).await.map(|(verified, _)| verified)
    }

    /// Also returns the key if it was fetched from Circle.
    async fn verify_by(
        &self,
        request: IncomingRequest<'_>,
        body: Bytes,
        now: Timestamp,
    ) -> Result<(VerifiedRequest, Option<Arc<FetchedKey>>), IntakeError> {
        let IncomingRequest { endpoint, headers, client } = request;
        let provider = endpoint.provider();
        match &self.verifiers[provider as usize] {
            Verifier::Keys { keys, verify } => {
                let active = keys.active()?;
                let settings = self.settings.provider(provider);
                let delivery = verify(&active.keys, settings, endpoint, headers, body, now)?;
                active.note_use(delivery.key_id());
                Ok((VerifiedRequest::Delivery(delivery), None))
            }
            // Boxed, so that fetching a key does not make the future of every delivery large.
            Verifier::Circle => Box::pin(self.circle.verify(headers, body, client, now)).await,
        }
    }

    fn note_error(&self, provider: Provider, error: &IntakeError, body_bytes: usize, now: Timestamp) {
        let (counters, reason) = (self.counters(provider), error.reason());
        match reason.and_then(|reason| counters.rejected(reason)) {
            Some(counter) => counter.inc(),
            // The server counts these, together with requests that its own limits refuse.
            None if matches!(error, IntakeError::NotStored(_)) => {}
            None => counters.unavailable.inc(),
        }
        let Some(suppressed) = self.samplers[provider as usize].due(now) else { return };
        let error = telemetry::with_causes(error);
        tracing::warn!(%provider, reason, error, body_bytes, suppressed, "delivery not accepted");
    }

    fn counters(&self, provider: Provider) -> &ProviderMetrics {
        self.metrics.deliveries.provider(provider.as_str())
    }
}
