//! Verifies a delivery of Bridge.

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::envelope::parse_envelope;
use super::{CHANNEL, FUTURE, PAST, SIGNATURE_HEADER as NAME};
use crate::channel::Endpoint;
use crate::delivery::{Delivery, DeliveryProof};
use crate::encoding;
use crate::header;
use crate::keys::Keys;
use crate::rejection::Rejection;
use crate::settings::Settings;
use crate::tolerance::Tolerance;

/// Verifies a delivery.
///
/// # Errors
/// [`Rejection`], in this order: the header, the signature, the signed time, the body.
pub fn verify(
    keys: &Keys,
    settings: &Settings,
    _: Endpoint,
    headers: &HeaderMap,
    body: Bytes,
    now: Timestamp,
) -> Result<Delivery, Rejection> {
    let header = header::only(headers, NAME)?;
    let Signature { t, at, bytes } = Signature::parse(header)?;
    let digest = Sha256::new().chain_update(t).chain_update(b".").chain_update(&body).finalize();
    // The digest is the message: RSA-SHA256 hashes it a second time.
    let key_id = keys.find_rsa(&digest, &bytes, now)?.into();
    let (past_s, future_s) = (settings.number(&PAST), settings.number(&FUTURE));
    Tolerance { past_s, future_s }.check(at, now)?;
    let envelope = parse_envelope(&body)?;
    let proof = DeliveryProof { signed_at: Some(at), key_id, headers: vec![(NAME, header.into())] };
    Ok(Delivery::posted(CHANNEL, envelope, proof, body))
}

struct Signature<'a> {
    /// The time as it is written, and so as it is signed.
    t: &'a str,
    at: Timestamp,
    bytes: Vec<u8>,
}

impl<'a> Signature<'a> {
    fn parse(header: &'a str) -> Result<Self, Rejection> {
        let (mut t, mut signature) = (None, None);
        for part in header::parts(header, NAME) {
            let (slot, value) = match part? {
                ("t", value) => (&mut t, value),
                ("v0", value) => (&mut signature, value),
                _ => return Err(Rejection::malformed(NAME, "only t and v0 are allowed")),
            };
            if slot.replace(value).is_some() {
                return Err(Rejection::malformed(NAME, "duplicate t or v0"));
            }
        }
        let t = t.ok_or(Rejection::malformed(NAME, "t is missing"))?;
        let signature = signature.ok_or(Rejection::malformed(NAME, "v0 is missing"))?;
        let at = encoding::parse_time(t).and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let at = at.ok_or(Rejection::malformed(NAME, "t is not a number of milliseconds since 1970"))?;
        let bytes = encoding::from_base64(signature).filter(|bytes| !bytes.is_empty());
        let bytes = bytes.ok_or(Rejection::malformed(NAME, "v0 is not padded Base64"))?;
        Ok(Self { t, at, bytes })
    }
}
