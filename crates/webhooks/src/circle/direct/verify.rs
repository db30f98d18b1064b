//! Proving a notification of Circle's second system.

use bytes::Bytes;
use http::HeaderMap;

use super::key::{KeyId, PublicKey};
use super::outline::outline;
use crate::channel::Channel;
use crate::delivery::{Delivery, Proof};
use crate::header;
use crate::notation;
use crate::rejection::Rejection;

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "x-circle-signature";
/// The header that names the key.
pub const KEY_ID_HEADER: &str = "x-circle-key-id";

/// The key that a delivery names. Nothing is asked of Circle before both headers are well formed.
///
/// # Errors
/// [`Rejection::Missing`] or [`Rejection::Malformed`].
pub fn key_id(headers: &HeaderMap) -> Result<KeyId, Rejection> {
    let id = header::only(headers, KEY_ID_HEADER)?.parse()?;
    signature(headers)?;
    Ok(id)
}

/// Proves a delivery with the key that it names.
///
/// # Errors
/// [`Rejection`], in this order: the headers, the key's name, the signature, the body.
pub fn verify(key: &PublicKey, headers: &HeaderMap, body: Bytes) -> Result<Delivery, Rejection> {
    let (id, signature) = (key_id(headers)?, signature(headers)?);
    if &id != key.id() {
        return Err(Rejection::UnknownKey);
    }
    if !key.made(&body, &signature) {
        return Err(Rejection::Signature);
    }
    let outline = outline(&body)?;
    let sent = [SIGNATURE_HEADER, KEY_ID_HEADER].map(|name| Ok((name, header::only(headers, name)?.into())));
    let headers = sent.into_iter().collect::<Result<Vec<_>, Rejection>>()?;
    let proof = Proof { signed_at: None, key_id: id.as_str().into(), headers };
    Ok(Delivery::posted(Channel::CircleDirect, outline, proof, body))
}

fn signature(headers: &HeaderMap) -> Result<Vec<u8>, Rejection> {
    let bytes = notation::base64(header::only(headers, SIGNATURE_HEADER)?).filter(|bytes| !bytes.is_empty());
    bytes.ok_or(Rejection::malformed(SIGNATURE_HEADER, "it is not Base64 with its padding"))
}
