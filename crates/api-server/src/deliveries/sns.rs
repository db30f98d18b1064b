//! What is fetched of Amazon SNS: certificates, and the confirmation of a subscription.
//!
//! The addresses are those that `webhooks` has held against the topic's region before; nothing else is ever asked.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use store::{ReceiveError, Store};
use webhooks::circle::sns::{Certificate, CertificateUrl, Confirmation, Ending, SubscribeUrl, Trust};

use super::askers::Askers;
use super::fetch::{FetchError, Fetcher, Turn};
use super::fetched::Fetched;
use super::refusal::Refusal;
use super::subscriptions::Subscriptions;
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
    subscriptions: Subscriptions,
}

impl Sns {
    /// Asks Amazon's hosts, or an emulator in their place; what becomes of subscriptions is recorded in this store.
    ///
    /// # Errors
    /// The TLS stack cannot be set up.
    pub fn new(
        base_url: Option<String>,
        trust: Trust,
        store: Store,
        certificates: Fetches,
        confirmations: Fetches,
    ) -> Result<Self, reqwest::Error> {
        let asked = base_url.as_deref().unwrap_or("https:");
        let askers = Askers::new(&certificates);
        let (certificates, confirmations) =
            (Fetcher::new(asked, certificates)?, Fetcher::new(asked, confirmations)?);
        let (fetched, subscriptions) = (Fetched::default(), Subscriptions::new(store));
        Ok(Self { base_url, trust, askers, certificates, confirmations, fetched, subscriptions })
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
        let name = url.to_string();
        let fetch = async {
            let turn = self.turn(&name, asker)?;
            let pem = self.certificates.get(&self.asked(url.host(), url.path()), None, turn).await?;
            let certificate = Certificate::parse(url.clone(), &pem, now, &self.trust);
            let certificate = certificate.map_err(|rejection| {
                tracing::warn!(%rejection, "a certificate of SNS is refused");
                FetchError::NotThere
            })?;
            tracing::info!(%url, is_chained = certificate.is_chained(), "a certificate of SNS is taken");
            Ok(certificate)
        };
        self.fetched.get(&name, fetch).await
    }

    /// A certificate that was had before is looked at anew in turns that no stranger can take.
    fn turn(&self, name: &str, asker: Option<IpAddr>) -> Result<Turn, FetchError> {
        if self.fetched.was_had(name) {
            return Ok(Turn::Reserved);
        }
        self.askers.turn(asker).map(|()| Turn::Shared)
    }

    /// Confirms a subscription, and records whether SNS agreed.
    ///
    /// # Errors
    /// Why it is not confirmed, or not recorded: SNS is to send the message again.
    pub async fn confirm(&self, confirmation: &Confirmation, now: Timestamp) -> Result<(), Refusal> {
        if self.subscriptions.was_confirmed(confirmation) {
            return Ok(());
        }
        let outcome = self.ask(confirmation.url()).await;
        self.subscriptions.asked(confirmation, outcome, now).await.map_err(not_recorded)?;
        outcome.map_err(Refusal::Fetch)
    }

    /// Records that a subscription has ended.
    ///
    /// # Errors
    /// It is not recorded: SNS is to send the message again.
    pub async fn note_end(&self, ending: &Ending, now: Timestamp) -> Result<(), Refusal> {
        self.subscriptions.ended(ending, now).await.map_err(not_recorded)
    }

    async fn ask(&self, url: &SubscribeUrl) -> Result<(), FetchError> {
        let asked = self.asked(&url.host(), &url.path_and_query());
        self.confirmations.get(&asked, None, Turn::Shared).await.map(drop)
    }

    /// The address that is really asked: an emulator's host in place of Amazon's where there is one.
    fn asked(&self, host: &str, path: &str) -> String {
        match &self.base_url {
            Some(base_url) => [base_url, path].concat(),
            None => ["https://", host, path].concat(),
        }
    }
}

fn not_recorded(error: store::Error) -> Refusal {
    tracing::error!(%error, "what became of a subscription at SNS cannot be recorded");
    Refusal::NotKept(ReceiveError::Unavailable)
}
