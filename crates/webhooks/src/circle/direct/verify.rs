//! Verifies a notification of Circle v2.

use bytes::Bytes;
use http::HeaderMap;

use super::envelope::parse_envelope;
use super::key::{KeyId, PublicKey};
use super::{CHANNEL, KEY_ID_HEADER, SIGNATURE_HEADER};
use crate::delivery::{Delivery, DeliveryProof};
use crate::encoding;
use crate::header;
use crate::rejection::Rejection;

/// The key that a delivery names. Nothing is fetched from Circle before both headers are well formed.
///
/// # Errors
/// [`Rejection::Missing`] or [`Rejection::Malformed`].
pub fn key_id(headers: &HeaderMap) -> Result<KeyId, Rejection> {
    let id = header::only(headers, KEY_ID_HEADER)?.parse()?;
    signature(headers)?;
    Ok(id)
}

/// Verifies a delivery with the key that it names.
///
/// # Errors
/// [`Rejection`], in this order: the headers, the key id, the signature, the body.
pub fn verify(key: &PublicKey, headers: &HeaderMap, body: Bytes) -> Result<Delivery, Rejection> {
    let (id, signature) = (key_id(headers)?, signature(headers)?);
    if &id != key.id() {
        return Err(Rejection::UnknownKey);
    }
    if !key.verifies(&body, &signature) {
        return Err(Rejection::Signature);
    }
    let envelope = parse_envelope(&body)?;
    let headers =
        [SIGNATURE_HEADER, KEY_ID_HEADER].map(|name| Ok((name, header::only(headers, name)?.into())));
    let headers = headers.into_iter().collect::<Result<Vec<_>, Rejection>>()?;
    let proof = DeliveryProof { signed_at: None, key_id: id.as_str().into(), headers };
    Ok(Delivery::posted(CHANNEL, envelope, proof, body))
}

fn signature(headers: &HeaderMap) -> Result<Vec<u8>, Rejection> {
    let header = header::only(headers, SIGNATURE_HEADER)?;
    let bytes = encoding::from_base64(header).filter(|bytes| !bytes.is_empty());
    bytes.ok_or(Rejection::malformed(SIGNATURE_HEADER, "it is not padded Base64"))
}
