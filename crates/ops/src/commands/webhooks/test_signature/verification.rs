//! Verifies a delivery in files with the functions of the server.

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use webhooks::circle::{TOPICS, direct, sns};
use webhooks::{CertificateFault, Channel, Keys, Rejection, Settings, VerifyFn};

use crate::failure::Failure;

pub(super) struct VerifiedDelivery {
    pub(super) key_id: String,
    pub(super) event_type: String,
    pub(super) dedupe_key: String,
}

/// A delivery from files, and the settings of its provider.
pub(super) struct Received<'s> {
    pub(super) channel: Channel,
    pub(super) settings: &'s Settings,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) now: Timestamp,
}

impl Received<'_> {
    pub(super) fn verify(self, verify: VerifyFn, keys: &Keys) -> Result<VerifiedDelivery, Rejection> {
        let endpoint = self.channel.endpoint();
        verify(keys, self.settings, endpoint, &self.headers, self.body, self.now).map(VerifiedDelivery::from)
    }

    pub(super) fn verify_circle(self, response: &[u8]) -> Result<VerifiedDelivery, Rejection> {
        let key = direct::PublicKey::parse(response)?;
        direct::verify(&key, &self.headers, self.body).map(VerifiedDelivery::from)
    }

    pub(super) fn verify_sns(
        self,
        certificate: &[u8],
    ) -> Result<Result<VerifiedDelivery, Rejection>, Failure> {
        let topics = sns::Topics::parse(&self.settings.list(&TOPICS).join(","))
            .map_err(|error| Failure::Precondition(error.to_string()))?;
        if topics.is_empty() {
            let message = "CIRCLE_SNS_TOPICS is empty, so the server accepts no topic";
            return Err(Failure::Precondition(message.to_owned()));
        }
        Ok(self.verify_message(certificate, &topics))
    }

    fn verify_message(self, certificate: &[u8], topics: &sns::Topics) -> Result<VerifiedDelivery, Rejection> {
        let message = sns::parse(self.body, topics)?;
        // The server fetches the certificate over TLS from the host that the message names; this command trusts the file.
        let trust = sns::Trust::amazon(sns::Unchained::ProvedByFetch)
            .map_err(|_| Rejection::Certificate(CertificateFault::Untrusted))?;
        let url = message.certificate_url().clone();
        let certificate = sns::Certificate::parse(url, certificate, self.now, &trust)?;
        let key_id = certificate.url().to_string();
        Ok(match sns::verify(message, &certificate, self.now)? {
            sns::VerifiedMessage::Notification(delivery) => VerifiedDelivery::from(delivery),
            sns::VerifiedMessage::Confirmation(confirmation) => {
                from_topic(key_id, "SubscriptionConfirmation", confirmation.topic())
            }
            sns::VerifiedMessage::Unsubscribed(end) => {
                from_topic(key_id, "UnsubscribeConfirmation", end.topic())
            }
        })
    }
}

fn from_topic(key_id: String, event_type: &str, topic: &sns::TopicArn) -> VerifiedDelivery {
    VerifiedDelivery { key_id, event_type: event_type.to_owned(), dedupe_key: topic.to_string() }
}

impl From<webhooks::Delivery> for VerifiedDelivery {
    fn from(delivery: webhooks::Delivery) -> Self {
        Self {
            key_id: delivery.key_id().to_owned(),
            event_type: delivery.event_type().to_owned(),
            dedupe_key: delivery.dedupe_key().to_owned(),
        }
    }
}
