//! Where deliveries are proved and handed to the store.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use domain::Provider;
use http::HeaderMap;
use jiff::Timestamp;
use store::{Receipt, Store};
use tokio::sync::Notify;
use webhooks::circle::sns::{self, Confirmation, Ending, Topics, Verified};
use webhooks::circle::{System, direct};
use webhooks::{Delivery, Rejection, Tolerance, alpaca, bridge};

use super::circle_keys::{CircleKey, CircleKeys};
use super::fetch::FetchError;
use super::refusal::Refusal;
use super::secret_keys::SecretKeys;
use super::sns::Sns;
use crate::metrics::{Metrics, Source as Counters};

/// A door at which deliveries come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// The broker's, by kind of event.
    Alpaca(alpaca::Kind),
    /// Bridge's.
    Bridge,
    /// Circle's, for both of its systems.
    Circle,
}

/// The text names no door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such door for deliveries")]
pub struct UnknownDoor;

/// What a sender who is proved wants.
#[derive(Debug)]
pub enum Proved {
    /// That a delivery is taken.
    Delivery(Delivery),
    /// That a subscription is confirmed.
    Confirmation(Confirmation),
    /// That we know of the end of a subscription.
    Unsubscribed(Ending),
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is kept, now or since it came before.
    Kept(Receipt),
    /// The subscription that it asked about is confirmed.
    Confirmed,
    /// There was nothing to do.
    Noted,
}

/// A delivery as it came in.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'r> {
    /// The door.
    pub door: Door,
    /// Its headers.
    pub headers: &'r HeaderMap,
    /// The address that it came from; `None` for one that an operator shows.
    pub client: Option<IpAddr>,
}

/// Everything that proves deliveries, and the store that keeps them.
#[derive(Debug)]
pub struct Desk {
    /// Where they are kept.
    pub store: Store,
    /// Wakes a worker when something was kept.
    pub kick: Arc<Notify>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The keys of Alpaca.
    pub alpaca: SecretKeys<alpaca::Keys>,
    /// Which of its signatures are accepted.
    pub alpaca_policy: alpaca::Policy,
    /// The keys of Bridge.
    pub bridge: SecretKeys<bridge::Keys>,
    /// How far its clock may be from ours.
    pub bridge_tolerance: Tolerance,
    /// The keys of Circle's second system.
    pub circle: CircleKeys,
    /// What is fetched for Circle's first system.
    pub sns: Sns,
    /// The topics of it that are ours.
    pub topics: Topics,
}

impl Door {
    /// Whose it is.
    #[must_use]
    pub const fn source(self) -> Provider {
        match self {
            Self::Alpaca(_) => Provider::Alpaca,
            Self::Bridge => Provider::Bridge,
            Self::Circle => Provider::Circle,
        }
    }
}

impl FromStr for Door {
    type Err = UnknownDoor;

    fn from_str(text: &str) -> Result<Self, UnknownDoor> {
        match text {
            "bridge" => Ok(Self::Bridge),
            "circle" => Ok(Self::Circle),
            _ => {
                let kind = text.strip_prefix("alpaca/").and_then(|kind| kind.parse().ok());
                kind.map(Self::Alpaca).ok_or(UnknownDoor)
            }
        }
    }
}

impl Desk {
    /// Proves a delivery, keeps it, and says what became of it. When this returns, what was kept outlives a crash.
    ///
    /// # Errors
    /// Why it is not taken; nothing of it was kept then.
    pub async fn take(&self, sent: Sent<'_>, body: Bytes, now: Timestamp) -> Result<Taken, Refusal> {
        let counters = self.metrics.deliveries.of(sent.door.source());
        let (proved, circle_key) = self.prove_by(sent, body, now).await?;
        counters.verified.inc();
        match proved {
            Proved::Delivery(delivery) => {
                let receipt = self.keep(&delivery, counters, now).await?;
                if let Some(key) = circle_key {
                    Box::pin(self.circle.has_proved(&key, now)).await;
                }
                Ok(Taken::Kept(receipt))
            }
            Proved::Confirmation(confirmation) => {
                Box::pin(self.sns.confirm(&confirmation, now)).await?;
                counters.confirmed.inc();
                Ok(Taken::Confirmed)
            }
            Proved::Unsubscribed(ending) => {
                Box::pin(self.sns.note_end(&ending, now)).await.map(|()| Taken::Noted)
            }
        }
    }

    async fn keep(
        &self,
        delivery: &Delivery,
        counters: &Counters,
        now: Timestamp,
    ) -> Result<Receipt, Refusal> {
        let receipt = self.store.receive(delivery, now).await?;
        match receipt {
            Receipt::Stored(_) => {
                counters.stored.inc();
                self.kick.notify_one();
            }
            Receipt::Duplicate(_) => counters.duplicate.inc(),
        }
        Ok(receipt)
    }

    /// Finds out who sent a delivery, and keeps nothing.
    ///
    /// # Errors
    /// Why its sender is not proved.
    pub async fn prove(&self, sent: Sent<'_>, body: Bytes, now: Timestamp) -> Result<Proved, Refusal> {
        self.prove_by(sent, body, now).await.map(|(proved, _)| proved)
    }

    /// The same, and which of Circle's keys proved it.
    async fn prove_by(
        &self,
        Sent { door, headers, client }: Sent<'_>,
        body: Bytes,
        now: Timestamp,
    ) -> Result<(Proved, Option<CircleKey>), Refusal> {
        let proved = match door {
            Door::Alpaca(kind) => self.prove_alpaca(kind, headers, body, now)?,
            Door::Bridge => self.prove_bridge(headers, body, now)?,
            Door::Circle => match System::of(headers, &body) {
                // Boxed, so that what fetches a key does not make the future of every delivery large.
                System::Direct => return Box::pin(self.prove_direct(headers, body, client, now)).await,
                System::Sns => Box::pin(self.prove_sns(&body, client, now)).await?,
            },
        };
        Ok((proved, None))
    }

    fn prove_alpaca(
        &self,
        kind: alpaca::Kind,
        headers: &HeaderMap,
        body: Bytes,
        now: Timestamp,
    ) -> Result<Proved, Refusal> {
        let keys = self.alpaca.now()?;
        let delivery = alpaca::verify(keys.keys(), self.alpaca_policy, kind, headers, body, now)?;
        keys.was_used(delivery.key_id());
        Ok(Proved::Delivery(delivery))
    }

    fn prove_bridge(&self, headers: &HeaderMap, body: Bytes, now: Timestamp) -> Result<Proved, Refusal> {
        let keys = self.bridge.now()?;
        let delivery = bridge::verify(keys.keys(), self.bridge_tolerance, headers, body, now)?;
        keys.was_used(delivery.key_id());
        Ok(Proved::Delivery(delivery))
    }

    async fn prove_direct(
        &self,
        headers: &HeaderMap,
        body: Bytes,
        client: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<(Proved, Option<CircleKey>), Refusal> {
        let key = self.circle.get(&direct::key_id(headers)?, client, now).await?;
        let delivery = direct::verify(key.key(), headers, body)?;
        Ok((Proved::Delivery(delivery), Some(key)))
    }

    async fn prove_sns(
        &self,
        body: &Bytes,
        client: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Proved, Refusal> {
        let envelope = sns::read(body.clone(), &self.topics)?;
        let certificate = self.sns.certificate(envelope.certificate_url(), client, now).await;
        let certificate = certificate.map_err(|error| match error {
            FetchError::NotThere => Refusal::Rejected(Rejection::UnknownKey),
            error => Refusal::Fetch(error),
        })?;
        Ok(match sns::verify(envelope, &certificate, now)? {
            Verified::Notification(delivery) => Proved::Delivery(delivery),
            Verified::Confirmation(confirmation) => Proved::Confirmation(confirmation),
            Verified::Unsubscribed(ending) => Proved::Unsubscribed(ending),
        })
    }
}
