//! Verifies Circle's deliveries with public keys and certificates that it fetches.

mod addresses;
mod key_store;
mod keys;
mod sns;
mod subscriptions;

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use outbound::{BaseUrl, Proxy};
use secrets::Secrets;
use store::Store;
use telemetry::metrics::Metrics;
use webhooks::circle::sns::{Topics, Trust, Unchained};
use webhooks::circle::{BASE_URL, SNS_BASE_URL, System, TOPICS, direct};
use webhooks::{Setting, Settings};

use crate::error::{BuildError, IntakeError};
use crate::verified_request::VerifiedRequest;

pub(crate) use key_store::FetchedKey;
use keys::CircleKeys;
use sns::Sns;

/// Verifies the deliveries of both of Circle's systems.
#[derive(Debug)]
pub(crate) struct CircleVerifier {
    pub(crate) keys: CircleKeys,
    pub(crate) sns: Sns,
    topics: Topics,
}

impl CircleVerifier {
    pub(crate) fn new(
        settings: &Settings,
        secrets: &Secrets,
        store: &Store,
        metrics: &Metrics,
        proxy: &Proxy,
    ) -> Result<Self, BuildError> {
        let fetches = &metrics.deliveries;
        let api_key = secrets.handle("circle_api_key", "webhooks")?;
        let keys_url = base_url(settings, &BASE_URL)?.ok_or(BuildError::NoBaseUrl(BASE_URL.variable))?;
        // Certificates are fetched over TLS from Amazon's own host, or in development from an emulator.
        let trust = Trust::amazon(Unchained::ProvedByFetch)?;
        Ok(Self {
            keys: CircleKeys::new(keys_url, api_key, store.clone(), proxy, fetches.circle_keys.clone())?,
            sns: Sns::new(
                base_url(settings, &SNS_BASE_URL)?,
                trust,
                store.clone(),
                proxy,
                fetches.sns_certificates.clone(),
                fetches.sns_confirmations.clone(),
            )?,
            topics: Topics::parse(&settings.list(&TOPICS).join(","))?,
        })
    }

    pub(crate) async fn verify(
        &self,
        headers: &HeaderMap,
        body: Bytes,
        client: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<(VerifiedRequest, Option<Arc<FetchedKey>>), IntakeError> {
        match System::detect(headers, &body) {
            System::Direct => {
                let key = self.keys.get(&direct::key_id(headers)?, client, now).await?;
                let delivery = direct::verify(&key.key, headers, body)?;
                Ok((VerifiedRequest::Delivery(delivery), Some(key)))
            }
            System::Sns => {
                let message = webhooks::circle::sns::parse(body, &self.topics)?;
                let certificate = self.sns.certificate(message.certificate_url(), client, now).await?;
                let verified = webhooks::circle::sns::verify(message, &certificate, now)?;
                Ok((verified.into(), None))
            }
        }
    }
}

fn base_url(settings: &Settings, setting: &Setting) -> Result<Option<BaseUrl>, BuildError> {
    let url = settings.url(setting).map(str::parse).transpose();
    url.map_err(|error| BuildError::BaseUrl(setting.variable, error))
}
