//! The signature header of Stripe and others: `t=<unix seconds>,v1=<hex>`, where `<hex>` is HMAC-SHA256 of `<t>.<raw body>` in
//! lower case. Several `v1` may stand in one header, so that a sender can sign with the old and the new secret during a
//! rotation.

use bytes::Bytes;
use jiff::Timestamp;

use crate::delivery::DeliveryProof;
use crate::encoding;
use crate::header;
use crate::keys::Keys;
use crate::rejection::Rejection;
use crate::tolerance::Tolerance;

/// Most signatures in one header.
const SIGNATURES_MAX: usize = 8;

/// A parsed header.
pub(crate) struct TimedSignature<'a> {
    name: &'static str,
    header: &'a str,
    /// The time as it is written, and so as it is signed.
    t: &'a str,
    at: Timestamp,
    signatures: Vec<[u8; 32]>,
}

impl<'a> TimedSignature<'a> {
    /// Parses the value of header `name`.
    pub(crate) fn parse(name: &'static str, header: &'a str) -> Result<Self, Rejection> {
        let (mut t, mut signatures) = (None, Vec::new());
        for part in header::parts(header, name) {
            match part? {
                ("t", value) if t.is_none() => t = Some(value),
                ("t", _) => return Err(Rejection::malformed(name, "duplicate t")),
                ("v1", _) if signatures.len() == SIGNATURES_MAX => {
                    return Err(Rejection::malformed(name, "more than 8 v1"));
                }
                ("v1", value) => signatures.push(parse_digest(name, value)?),
                _ => return Err(Rejection::malformed(name, "only t and v1 are allowed")),
            }
        }
        let t = t.ok_or(Rejection::malformed(name, "t is missing"))?;
        if signatures.is_empty() {
            return Err(Rejection::malformed(name, "v1 is missing"));
        }
        let at = encoding::parse_time(t).and_then(|seconds| Timestamp::from_second(seconds).ok());
        let at = at.ok_or(Rejection::malformed(name, "t is not a number of seconds since 1970"))?;
        Ok(Self { name, header, t, at, signatures })
    }

    /// Checks the signatures, then the time.
    pub(crate) fn verify(
        &self,
        keys: &Keys,
        tolerance: Tolerance,
        body: &Bytes,
        now: Timestamp,
    ) -> Result<DeliveryProof, Rejection> {
        let prefix = format!("{}.", self.t);
        let key_id = keys.find_hmac([prefix.as_bytes(), body], &self.signatures, now)?;
        tolerance.check(self.at, now)?;
        let headers = vec![(self.name, self.header.into())];
        Ok(DeliveryProof { signed_at: Some(self.at), key_id: key_id.into(), headers })
    }
}

/// One HMAC-SHA256 in hexadecimal.
pub(crate) fn parse_digest(name: &'static str, text: &str) -> Result<[u8; 32], Rejection> {
    encoding::from_hex_32(text)
        .ok_or(Rejection::malformed(name, "a signature must be 64 hexadecimal digits in lower case"))
}
