//! A verified delivery.

use std::fmt;

use bytes::Bytes;
use jiff::Timestamp;

use crate::channel::{Channel, Transport};

/// A verified delivery: only the functions named `verify`, and the one that accepts records of a stream that we
/// opened ourselves, make one.
#[derive(Clone)]
pub struct Delivery {
    channel: Channel,
    transport: Transport,
    envelope: Envelope,
    proof: DeliveryProof,
    body: Bytes,
}

/// What the receiver must know of a body before anyone interprets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Envelope {
    pub(crate) dedupe_key: Box<str>,
    pub(crate) content_key: Option<Box<str>>,
    pub(crate) event_type: Box<str>,
    pub(crate) resource: Box<str>,
    pub(crate) occurred_at: Option<Timestamp>,
}

/// The proof of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeliveryProof {
    pub(crate) signed_at: Option<Timestamp>,
    pub(crate) key_id: Box<str>,
    pub(crate) headers: Vec<(&'static str, Box<str>)>,
}

impl Delivery {
    pub(crate) fn posted(channel: Channel, envelope: Envelope, proof: DeliveryProof, body: Bytes) -> Self {
        Self { channel, transport: Transport::Webhook, envelope, proof, body }
    }

    pub(crate) fn streamed(channel: Channel, envelope: Envelope, body: Bytes) -> Self {
        let proof = DeliveryProof { signed_at: None, key_id: "stream".into(), headers: Vec::new() };
        Self { channel, transport: Transport::Stream, envelope, proof, body }
    }

    /// The protocol by which it was sent.
    #[must_use]
    pub fn channel(&self) -> Channel {
        self.channel
    }

    /// How it reached us.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// The same for every copy of one event, and made of signed bytes alone; begins with the channel, so it is unique
    /// among all providers. At most 512 bytes of ASCII.
    #[must_use]
    pub fn dedupe_key(&self) -> &str {
        &self.envelope.dedupe_key
    }

    /// A second such key, made of the content instead of the message's id: Circle Mint publishes every event from two
    /// regions, each with an id of its own.
    #[must_use]
    pub fn content_key(&self) -> Option<&str> {
        self.envelope.content_key.as_deref()
    }

    /// The provider's name of this kind of event; `unknown` when the body has none, or one with other characters than
    /// letters, digits and `-_.:*`.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.envelope.event_type
    }

    /// The id of what it is about: deliveries about one resource of one provider must be handled one after the other.
    #[must_use]
    pub fn resource(&self) -> &str {
        &self.envelope.resource
    }

    /// When it happened, when the body says so.
    #[must_use]
    pub fn occurred_at(&self) -> Option<Timestamp> {
        self.envelope.occurred_at
    }

    /// When it was signed, when the signature covers a time.
    #[must_use]
    pub fn signed_at(&self) -> Option<Timestamp> {
        self.proof.signed_at
    }

    /// The label or id of the key that signed it, never the key. `stream` when it came from a stream.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.proof.key_id
    }

    /// The headers that prove it, as they were sent, names in lower case: with the key it can be verified again.
    #[must_use]
    pub fn proof_headers(&self) -> &[(&'static str, Box<str>)] {
        &self.proof.headers
    }

    /// The exact bytes that were verified.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }
}

// Bodies name people and accounts, so only their length is printed.
impl fmt::Debug for Delivery {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Delivery")
            .field("channel", &self.channel.as_str())
            .field("transport", &self.transport.as_str())
            .field("dedupe_key", &self.envelope.dedupe_key)
            .field("event_type", &self.envelope.event_type)
            .field("key_id", &self.proof.key_id)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
