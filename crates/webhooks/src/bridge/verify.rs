//! Proving a delivery of Bridge.

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::header;
use super::keys::Keys;
use super::outline::outline;
use crate::channel::Channel;
use crate::delivery::{Delivery, Proof};
use crate::freshness::Tolerance;
use crate::rejection::Rejection;

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "x-webhook-signature";

/// Proves a delivery.
///
/// # Errors
/// [`Rejection`], in this order: the header, the signature, the signed time, the body.
pub fn verify(
    keys: &Keys,
    tolerance: Tolerance,
    headers: &HeaderMap,
    body: Bytes,
    now: Timestamp,
) -> Result<Delivery, Rejection> {
    let signature = header::read(headers)?;
    let digest = Sha256::new().chain_update(signature.text).chain_update(b".").chain_update(&body).finalize();
    // The digest is the message: RSA-SHA256 hashes it a second time.
    let key_id = keys.find(&digest, &signature.bytes, now)?;
    tolerance.judge(signature.at, now)?;
    let outline = outline(&body)?;
    let sent = crate::header::only(headers, SIGNATURE_HEADER)?;
    let proof = Proof {
        signed_at: Some(signature.at),
        key_id: key_id.into(),
        headers: vec![(SIGNATURE_HEADER, sent.into())],
    };
    Ok(Delivery::posted(Channel::Bridge, outline, proof, body))
}
