//! Proving a delivery that lies in files.

use std::time::Duration;

use api_server::deliveries::{Alpaca, Bridge, Scheme};
use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use webhooks::circle::{direct, sns};
use webhooks::{CertificateFault, Rejection, Tolerance, alpaca, bridge};

/// What is known of a delivery that is proved.
pub(super) struct Proved {
    pub(super) key_id: String,
    pub(super) event_type: String,
    pub(super) dedupe_key: String,
}

/// A delivery as it lies in files.
pub(super) struct Received {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) now: Timestamp,
}

impl Received {
    pub(super) fn by_alpaca(
        self,
        keys: &alpaca::Keys,
        settings: Alpaca,
        kind: alpaca::Kind,
    ) -> Result<Proved, Rejection> {
        let seconds = whole_seconds(settings.tolerance);
        let tolerance = Tolerance { past_s: seconds, future_s: seconds };
        let policy = match settings.scheme {
            Scheme::Any => alpaca::Policy::AlsoBodyOnly(tolerance),
            Scheme::Timestamped => alpaca::Policy::Timestamped(tolerance),
        };
        alpaca::verify(keys, policy, kind, &self.headers, self.body, self.now).map(Proved::from)
    }

    pub(super) fn by_bridge(self, keys: &bridge::Keys, settings: Bridge) -> Result<Proved, Rejection> {
        let (past_s, future_s) = (whole_seconds(settings.past), whole_seconds(settings.future));
        bridge::verify(keys, Tolerance { past_s, future_s }, &self.headers, self.body, self.now)
            .map(Proved::from)
    }

    pub(super) fn by_circle(self, answer: &[u8]) -> Result<Proved, Rejection> {
        let key = direct::PublicKey::parse(answer)?;
        direct::verify(&key, &self.headers, self.body).map(Proved::from)
    }

    pub(super) fn by_sns(self, certificate: &[u8], topics: &sns::Topics) -> Result<Proved, Rejection> {
        let envelope = sns::read(self.body, topics)?;
        // The server fetches it over TLS from the host that the message names, which this check has before it.
        let trust = sns::Trust::amazon(sns::Unchained::ProvedByFetch)
            .map_err(|_| Rejection::Certificate(CertificateFault::Untrusted))?;
        let url = envelope.certificate_url().clone();
        let certificate = sns::Certificate::parse(url, certificate, self.now, &trust)?;
        let key_id = certificate.url().to_string();
        Ok(match sns::verify(envelope, &certificate, self.now)? {
            sns::Verified::Notification(delivery) => Proved::from(delivery),
            sns::Verified::Confirmation(url) => of_topic(key_id, "SubscriptionConfirmation", url.topic()),
            sns::Verified::Unsubscribed(end) => of_topic(key_id, "UnsubscribeConfirmation", end.topic()),
        })
    }
}

fn of_topic(key_id: String, event_type: &str, topic: &sns::TopicArn) -> Proved {
    Proved { key_id, event_type: event_type.to_owned(), dedupe_key: topic.to_string() }
}

impl From<webhooks::Delivery> for Proved {
    fn from(delivery: webhooks::Delivery) -> Self {
        Self {
            key_id: delivery.key_id().to_owned(),
            event_type: delivery.event_type().to_owned(),
            dedupe_key: delivery.dedupe_key().to_owned(),
        }
    }
}

fn whole_seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}
