//! Verifies an event of the broker.

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;

use super::envelope::parse_envelope;
use super::settings::{SCHEME, TIMESTAMPED, TOLERANCE};
use super::{Kind, SIGNATURE_HEADER};
use crate::channel::Endpoint;
use crate::delivery::{Delivery, DeliveryProof};
use crate::header;
use crate::hmac_signature::{TimedSignature, parse_digest};
use crate::keys::Keys;
use crate::rejection::Rejection;
use crate::settings::Settings;
use crate::tolerance::Tolerance;

/// Verifies a delivery that was posted to the endpoint of a kind of event.
///
/// # Errors
/// [`Rejection`], in this order: the header, the signature, the signed time, the body.
pub fn verify(
    keys: &Keys,
    settings: &Settings,
    endpoint: Endpoint,
    headers: &HeaderMap,
    body: Bytes,
    now: Timestamp,
) -> Result<Delivery, Rejection> {
    let kind = Kind::ALL.into_iter().find(|kind| endpoint.parameter() == Some(kind.as_str()));
    let kind = kind.ok_or(Rejection::malformed("path", "it names no kind of event"))?;
    let header = header::only(headers, SIGNATURE_HEADER)?;
    let digest = header.strip_prefix("sha256=").unwrap_or(header);
    let proof = if digest.contains('=') {
        let seconds = settings.number(&TOLERANCE);
        let tolerance = Tolerance { past_s: seconds, future_s: seconds };
        TimedSignature::parse(SIGNATURE_HEADER, header)?.verify(keys, tolerance, &body, now)?
    } else {
        let digest = parse_digest(SIGNATURE_HEADER, digest)?;
        if settings.is(&SCHEME, TIMESTAMPED) {
            return Err(Rejection::Untimed);
        }
        let key_id = keys.find_hmac([&body, b""], &[digest], now)?.into();
        DeliveryProof { signed_at: None, key_id, headers: vec![(SIGNATURE_HEADER, header.into())] }
    };
    let envelope = parse_envelope(kind, None, &body)?;
    Ok(Delivery::posted(kind.channel(), envelope, proof, body))
}

/// A record of the stream of `kind` that we opened ourselves, so that TLS and our credentials prove it; `id` is the stream's
/// id of it, and is used when the body has none.
///
/// # Errors
/// [`Rejection::Malformed`] when the record is not an event of `kind`.
pub fn from_stream(kind: Kind, id: &str, data: Bytes) -> Result<Delivery, Rejection> {
    let envelope = parse_envelope(kind, Some(id), &data)?;
    Ok(Delivery::streamed(kind.channel(), envelope, data))
}
