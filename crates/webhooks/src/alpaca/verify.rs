//! Proving an event of the broker.

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;

use super::header::{self, Signature};
use super::keys::Keys;
use super::kind::Kind;
use super::outline::outline;
use crate::channel::Channel;
use crate::delivery::{Delivery, Proof};
use crate::freshness::Tolerance;
use crate::rejection::Rejection;

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "alpaca-signature";

/// Which forms of signature are accepted, and how old a signed time may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Only those that cover a time.
    Timestamped(Tolerance),
    /// Also those over the body alone.
    AlsoBodyOnly(Tolerance),
}

/// Proves a delivery that was posted to the path of `kind`.
///
/// # Errors
/// [`Rejection`], in this order: the header, the signature, the signed time, the body.
pub fn verify(
    keys: &Keys,
    policy: Policy,
    kind: Kind,
    headers: &HeaderMap,
    body: Bytes,
    now: Timestamp,
) -> Result<Delivery, Rejection> {
    let (signed_at, key_id) = match (header::read(headers)?, policy) {
        (
            Signature::Timed { text, at, signatures },
            Policy::Timestamped(limits) | Policy::AlsoBodyOnly(limits),
        ) => {
            let prefix = format!("{text}.");
            let key_id = keys.find([prefix.as_bytes(), &body], &signatures, now)?;
            limits.judge(at, now)?;
            (Some(at), key_id)
        }
        (Signature::BodyOnly(signature), Policy::AlsoBodyOnly(_)) => {
            (None, keys.find([&body, b""], &[signature], now)?)
        }
        (Signature::BodyOnly(_), Policy::Timestamped(_)) => return Err(Rejection::Untimed),
    };
    let outline = outline(kind, None, &body)?;
    let sent = crate::header::only(headers, SIGNATURE_HEADER)?;
    let proof = Proof { signed_at, key_id: key_id.into(), headers: vec![(SIGNATURE_HEADER, sent.into())] };
    Ok(Delivery::posted(Channel::Alpaca(kind), outline, proof, body))
}

/// Takes a record of the stream of `kind` that we opened ourselves, so that TLS and our credentials prove it; `id` is
/// what the stream calls it, and is used when the body does not say.
///
/// # Errors
/// [`Rejection::Malformed`] when the record is not an event of `kind`.
pub fn of_stream(kind: Kind, id: &str, data: Bytes) -> Result<Delivery, Rejection> {
    let outline = outline(kind, Some(id), &data)?;
    Ok(Delivery::streamed(Channel::Alpaca(kind), outline, data))
}
