//! The header `X-Webhook-Signature`.

use http::HeaderMap;
use jiff::Timestamp;

use super::verify::SIGNATURE_HEADER as NAME;
use crate::header;
use crate::notation;
use crate::rejection::Rejection;

pub(super) struct Signature<'a> {
    /// The time as it is written, and so as it is signed.
    pub(super) text: &'a str,
    pub(super) at: Timestamp,
    pub(super) bytes: Vec<u8>,
}

pub(super) fn read(headers: &HeaderMap) -> Result<Signature<'_>, Rejection> {
    let (mut time, mut signature) = (None, None);
    for part in header::parts(header::only(headers, NAME)?, NAME) {
        let (slot, value) = match part? {
            ("t", value) => (&mut time, value),
            ("v0", value) => (&mut signature, value),
            _ => return Err(Rejection::malformed(NAME, "its parts are t and v0")),
        };
        if slot.replace(value).is_some() {
            return Err(Rejection::malformed(NAME, "t or v0 stands twice"));
        }
    }
    let text = time.ok_or(Rejection::malformed(NAME, "t is not there"))?;
    let signature = signature.ok_or(Rejection::malformed(NAME, "v0 is not there"))?;
    Ok(Signature { text, at: milliseconds(text)?, bytes: bytes(signature)? })
}

fn milliseconds(text: &str) -> Result<Timestamp, Rejection> {
    let milliseconds = notation::time(text).and_then(|ms| Timestamp::from_millisecond(ms).ok());
    milliseconds.ok_or(Rejection::malformed(NAME, "t is not a number of milliseconds since 1970"))
}

fn bytes(text: &str) -> Result<Vec<u8>, Rejection> {
    let bytes = notation::base64(text).filter(|bytes| !bytes.is_empty());
    bytes.ok_or(Rejection::malformed(NAME, "v0 is not Base64 with its padding"))
}
