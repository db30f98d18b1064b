//! The event row of a delivery.

use std::collections::BTreeMap;

use bytes::Bytes;
use domain::Provider;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use webhooks::Delivery;

/// Longest text of an indexed column, in bytes: Postgres cannot index a much longer one.
const TEXT_BYTES_MAX: usize = 512;

/// The name of the span among the headers, which are kept as long as the body, and which no proof covers.
pub(crate) const TRACEPARENT: &str = "traceparent";

/// A new row of `webhook_events`.
#[derive(Clone, Debug)]
pub(crate) struct NewEvent {
    pub(super) provider: Provider,
    pub(super) channel: &'static str,
    pub(super) transport: &'static str,
    pub(super) event_type: String,
    pub(super) resource: String,
    pub(super) dedupe_key: String,
    pub(super) content_key: Option<String>,
    pub(super) key_id: String,
    pub(super) occurred_at: Option<Timestamp>,
    pub(super) signed_at: Option<Timestamp>,
    pub(super) received_at: Timestamp,
    pub(super) headers: String,
    pub(super) body: Bytes,
    pub(super) body_sha256: [u8; 32],
}

impl NewEvent {
    pub(crate) fn new(delivery: &Delivery, received_at: Timestamp) -> Self {
        let mut headers: BTreeMap<&str, &str> =
            delivery.proof_headers().iter().map(|(name, value)| (*name, &**value)).collect();
        // Ours, and not what the provider sent: the span that stores a delivery, for that of its job.
        let span = telemetry::traces::current().map(|span| span.to_string());
        headers.extend(span.as_deref().map(|span| (TRACEPARENT, span)));
        Self {
            provider: delivery.channel().provider(),
            channel: delivery.channel().as_str(),
            transport: delivery.transport().as_str(),
            event_type: storable(delivery.event_type()),
            resource: storable(delivery.resource()),
            dedupe_key: storable(delivery.dedupe_key()),
            content_key: delivery.content_key().map(storable),
            key_id: storable(delivery.key_id()),
            occurred_at: delivery.occurred_at(),
            signed_at: delivery.signed_at(),
            received_at,
            // A map of texts always serializes.
            headers: serde_json::to_string(&headers).unwrap_or_default(),
            body: delivery.body().clone(),
            body_sha256: Sha256::digest(delivery.body()).into(),
        }
    }
}

impl NewEvent {
    /// A key for this content, which another event with its key does not have.
    pub(super) fn other_content_key(&self) -> String {
        storable(&format!("{}#sha256:{}", self.dedupe_key, hex::encode(self.body_sha256)))
    }
}

/// The text, or its hash if a database could not store it: Postgres stores no NUL and indexes no long text.
fn storable(text: &str) -> String {
    if text.len() <= TEXT_BYTES_MAX && !text.contains('\0') {
        return text.to_owned();
    }
    format!("sha256:{}", hex::encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_cannot_be_stored_are_replaced_by_their_hash() {
        assert_eq!(storable("transfer.updated"), "transfer.updated");
        // printf 'a\0b' | sha256sum
        let hash = "sha256:59b271ae1bbcb1d31d41929817f4b16fb439eb4f31520b5ad1d5ce98920a7138";
        assert_eq!(storable("a\0b"), hash);
        assert!(storable(&"k".repeat(513)).starts_with("sha256:"));
        assert_ne!(storable(&"k".repeat(513)), storable(&"k".repeat(514)));
    }
}
