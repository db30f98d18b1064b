//! What is fetched of Amazon SNS: certificates, and the confirmation of a subscription.
//!
//! The addresses are those that `webhooks` has held against the topic's region before; nothing else is ever asked.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use webhooks::circle::sns::{Certificate, CertificateUrl, SubscribeUrl, Trust};

use super::askers::Askers;
use super::fetch::{FetchError, Fetcher};
use super::fetched::Fetched;
use crate::metrics::Fetches;

/// Certificates of SNS, and confirmations.
#[derive(Debug)]
pub struct Sns {
    /// What is asked in place of Amazon's hosts.
    base_url: Option<String>,
    trust: Trust,
    askers: Askers,
    certificates: Fetcher,
    confirmations: Fetcher,
    fetched: Fetched<Certificate>,
}

impl Sns {
    /// Asks Amazon's hosts, or an emulator in their place.
    ///
    /// # Errors
    /// The TLS stack cannot be set up.
    pub fn new(
        base_url: Option<String>,
        trust: Trust,
        certificates: Fetches,
        confirmations: Fetches,
    ) -> Result<Self, reqwest::Error> {
        let asked = base_url.as_deref().unwrap_or("https:");
        let askers = Askers::new(&certificates);
        let (certificates, confirmations) =
            (Fetcher::new(asked, certificates)?, Fetcher::new(asked, confirmations)?);
        Ok(Self { base_url, trust, askers, certificates, confirmations, fetched: Fetched::default() })
    }

    /// The certificate at this address, for whoever names it.
    ///
    /// # Errors
    /// Why it could not be had; one that is not acceptable counts as not there.
    pub async fn certificate(
        &self,
        url: &CertificateUrl,
        asker: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Arc<Certificate>, FetchError> {
        let fetch = async {
            self.askers.turn(asker)?;
            let pem = self.certificates.get(&self.asked(url.host(), url.path()), None).await?;
            Certificate::parse(url.clone(), &pem, now, &self.trust).map_err(|rejection| {
                tracing::warn!(%rejection, "a certificate of SNS is refused");
                FetchError::NotThere
            })
        };
        self.fetched.get(&url.to_string(), fetch).await
    }

    /// Confirms a subscription.
    ///
    /// # Errors
    /// Why it could not be confirmed.
    pub async fn confirm(&self, url: &SubscribeUrl) -> Result<(), FetchError> {
        self.confirmations.get(&self.asked(&url.host(), &url.path_and_query()), None).await.map(drop)
    }

    /// The address that is really asked: an emulator's host in place of Amazon's where there is one.
    fn asked(&self, host: &str, path: &str) -> String {
        match &self.base_url {
            Some(base_url) => [base_url, path].concat(),
            None => ["https://", host, path].concat(),
        }
    }
}
