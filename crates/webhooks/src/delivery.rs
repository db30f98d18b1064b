//! A delivery whose sender is proved.

use std::fmt;

use bytes::Bytes;
use jiff::Timestamp;

use crate::channel::{Channel, Transport};

/// A delivery whose sender is proved: only the functions named `verify`, and the door of a stream that we opened
/// ourselves, make one.
#[derive(Clone)]
pub struct Delivery {
    channel: Channel,
    transport: Transport,
    outline: Outline,
    proof: Proof,
    body: Bytes,
}

/// What the receiver must know of a body before anyone reads it as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outline {
    pub(crate) dedupe_key: Box<str>,
    pub(crate) content_key: Option<Box<str>>,
    pub(crate) event_type: Box<str>,
    pub(crate) object: Box<str>,
    pub(crate) occurred_at: Option<Timestamp>,
}

/// What was proved, with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proof {
    pub(crate) signed_at: Option<Timestamp>,
    pub(crate) key_id: Box<str>,
    pub(crate) headers: Vec<(&'static str, Box<str>)>,
}

impl Delivery {
    pub(crate) fn posted(channel: Channel, outline: Outline, proof: Proof, body: Bytes) -> Self {
        Self { channel, transport: Transport::Webhook, outline, proof, body }
    }

    pub(crate) fn streamed(channel: Channel, outline: Outline, body: Bytes) -> Self {
        let proof = Proof { signed_at: None, key_id: "stream".into(), headers: Vec::new() };
        Self { channel, transport: Transport::Stream, outline, proof, body }
    }

    /// Where it came in.
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
    /// among all sources. At most 512 bytes of ASCII.
    #[must_use]
    pub fn dedupe_key(&self) -> &str {
        &self.outline.dedupe_key
    }

    /// A second such key, of what is told instead of who carried it: Circle's first system publishes every event from
    /// two regions, each with an id of its own.
    #[must_use]
    pub fn content_key(&self) -> Option<&str> {
        self.outline.content_key.as_deref()
    }

    /// What the source calls this kind of event; `unknown` when the body does not say, or not in plain words.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.outline.event_type
    }

    /// What it is about: deliveries with one object of one provider are to be handled one after the other.
    #[must_use]
    pub fn object(&self) -> &str {
        &self.outline.object
    }

    /// When it happened, when the body says so.
    #[must_use]
    pub fn occurred_at(&self) -> Option<Timestamp> {
        self.outline.occurred_at
    }

    /// When it was signed, when the signature covers a time.
    #[must_use]
    pub fn signed_at(&self) -> Option<Timestamp> {
        self.proof.signed_at
    }

    /// What the key is called whose signature it bears: never the key. `stream` when it came from a stream.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.proof.key_id
    }

    /// The headers that prove it, as they were sent, names in lower case: with the key they prove it again.
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

// Bodies name people and accounts, so only their length is shown.
impl fmt::Debug for Delivery {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Delivery")
            .field("channel", &self.channel.as_str())
            .field("transport", &self.transport.as_str())
            .field("dedupe_key", &self.outline.dedupe_key)
            .field("event_type", &self.outline.event_type)
            .field("key_id", &self.proof.key_id)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
