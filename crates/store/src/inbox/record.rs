//! A delivery as it is kept.

use std::collections::BTreeMap;

use bytes::Bytes;
use domain::Provider;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use webhooks::Delivery;

/// Longest text of a column, in bytes: some databases cannot keep a longer one in an index.
const TEXT_BYTES_MAX: usize = 512;

/// A row of `webhook_events` that is yet to be written.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) provider: Provider,
    pub(crate) channel: &'static str,
    pub(crate) transport: &'static str,
    pub(crate) event_type: String,
    pub(crate) object: String,
    pub(crate) dedupe_key: String,
    pub(crate) content_key: Option<String>,
    pub(crate) key_id: String,
    pub(crate) occurred_at: Option<Timestamp>,
    pub(crate) signed_at: Option<Timestamp>,
    pub(crate) received_at: Timestamp,
    pub(crate) headers: String,
    pub(crate) body: Bytes,
    pub(crate) body_sha256: [u8; 32],
}

impl Record {
    pub(crate) fn new(delivery: &Delivery, received_at: Timestamp) -> Self {
        let headers: BTreeMap<&str, &str> =
            delivery.proof_headers().iter().map(|(name, value)| (*name, &**value)).collect();
        Self {
            provider: delivery.channel().provider(),
            channel: delivery.channel().as_str(),
            transport: delivery.transport().as_str(),
            event_type: keepable(delivery.event_type()),
            object: keepable(delivery.object()),
            dedupe_key: keepable(delivery.dedupe_key()),
            content_key: delivery.content_key().map(keepable),
            key_id: keepable(delivery.key_id()),
            occurred_at: delivery.occurred_at(),
            signed_at: delivery.signed_at(),
            received_at,
            // A map of texts is always JSON.
            headers: serde_json::to_string(&headers).unwrap_or_default(),
            body: delivery.body().clone(),
            body_sha256: Sha256::digest(delivery.body()).into(),
        }
    }
}

/// The text, or what stands for it when a database could not keep it: Postgres keeps no NUL, and no long key.
fn keepable(text: &str) -> String {
    if text.len() <= TEXT_BYTES_MAX && !text.contains('\0') {
        return text.to_owned();
    }
    format!("sha256:{}", crate::hex::lower(&Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_no_database_keeps_is_replaced_by_its_hash() {
        assert_eq!(keepable("transfer.updated"), "transfer.updated");
        // printf 'a\0b' | sha256sum
        let hash = "sha256:59b271ae1bbcb1d31d41929817f4b16fb439eb4f31520b5ad1d5ce98920a7138";
        assert_eq!(keepable("a\0b"), hash);
        assert!(keepable(&"k".repeat(513)).starts_with("sha256:"));
        assert_ne!(keepable(&"k".repeat(513)), keepable(&"k".repeat(514)));
    }
}
