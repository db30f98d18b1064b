//! Fetches certificates from Amazon SNS, and confirms subscriptions.
//!
//! `webhooks` validates each URL against the region of the topic; no other URL is fetched.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use outbound::{BaseUrl, Proxy};
use store::{ReceiveError, Store};
use telemetry::metrics::FetchMetrics;
use webhooks::circle::sns::{
    Certificate, CertificateUrl, Confirmation, SubscribeUrl, SubscriptionEnd, Trust,
};

use super::subscriptions::Subscriptions;
use crate::document_cache::DocumentCache;
use crate::error::IntakeError;
use crate::fetch_limiter::FetchLimiter;
use crate::fetcher::{FetchError, FetchQuota, Fetcher};

/// The client of SNS.
#[derive(Debug)]
pub(crate) struct Sns {
    /// An emulator in place of Amazon's hosts.
    base_url: Option<BaseUrl>,
    trust: Trust,
    limiter: FetchLimiter,
    certificates: Fetcher,
    confirmations: Fetcher,
    cache: DocumentCache<Certificate>,
    subscriptions: Subscriptions,
}

impl Sns {
    pub(super) fn new(
        base_url: Option<BaseUrl>,
        trust: Trust,
        store: Store,
        proxy: &Proxy,
        certificates: FetchMetrics,
        confirmations: FetchMetrics,
    ) -> Result<Self, reqwest::Error> {
        Ok(Self {
            trust,
            limiter: FetchLimiter::new(&certificates),
            certificates: Fetcher::new(base_url.as_ref(), proxy, certificates)?,
            confirmations: Fetcher::new(base_url.as_ref(), proxy, confirmations)?,
            cache: DocumentCache::default(),
            subscriptions: Subscriptions::new(store),
            base_url,
        })
    }

    /// The certificate at this URL, which `client` sent. An invalid certificate counts as not found.
    pub(super) async fn certificate(
        &self,
        url: &CertificateUrl,
        client: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Arc<Certificate>, FetchError> {
        let name = url.to_string();
        let fetch = async {
            let quota = self.quota(&name, client)?;
            let pem = self.certificates.get(&self.request_url(url.host(), url.path()), None, quota).await?;
            let certificate = Certificate::parse(url.clone(), &pem, now, &self.trust);
            let certificate = certificate.map_err(|rejection| {
                tracing::warn!(%rejection, "SNS certificate rejected");
                FetchError::NotFound
            })?;
            tracing::info!(%url, is_chained = certificate.is_chained(), "SNS certificate accepted");
            Ok(certificate)
        };
        self.cache.get(&name, fetch).await
    }

    /// Certificates that were fetched before use the quota that unknown senders cannot use up.
    fn quota(&self, name: &str, client: Option<IpAddr>) -> Result<FetchQuota, FetchError> {
        if self.cache.has_fallback(name) {
            return Ok(FetchQuota::Reserved);
        }
        self.limiter.check(client).map(|()| FetchQuota::Shared)
    }

    /// Confirms a subscription and records the outcome. After an error SNS sends the message again.
    pub(crate) async fn confirm(
        &self,
        confirmation: &Confirmation,
        now: Timestamp,
    ) -> Result<(), IntakeError> {
        if self.subscriptions.is_confirmed(confirmation) {
            return Ok(());
        }
        let outcome = self.call(confirmation.url()).await;
        self.subscriptions.record_confirmation(confirmation, outcome, now).await.map_err(not_recorded)?;
        outcome.map_err(IntakeError::Fetch)
    }

    /// Records the end of a subscription. After an error SNS sends the message again.
    pub(crate) async fn note_end(&self, end: &SubscriptionEnd, now: Timestamp) -> Result<(), IntakeError> {
        self.subscriptions.record_end(end, now).await.map_err(not_recorded)
    }

    async fn call(&self, url: &SubscribeUrl) -> Result<(), FetchError> {
        let url = self.request_url(&url.host(), &url.path_and_query());
        self.confirmations.get(&url, None, FetchQuota::Shared).await.map(drop)
    }

    /// The URL to request: with the host of the emulator if one is configured.
    fn request_url(&self, host: &str, path: &str) -> String {
        match &self.base_url {
            Some(base_url) => format!("{base_url}{path}"),
            None => ["https://", host, path].concat(),
        }
    }
}

fn not_recorded(error: store::Error) -> IntakeError {
    tracing::error!(%error, "recording an SNS subscription failed");
    IntakeError::NotStored(ReceiveError::Unavailable)
}
