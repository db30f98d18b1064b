//! The header `Alpaca-Signature`.

use http::HeaderMap;
use jiff::Timestamp;

use super::verify::SIGNATURE_HEADER as NAME;
use crate::header;
use crate::notation;
use crate::rejection::Rejection;

/// Most signatures in one header.
const SIGNATURES_MAX: usize = 8;

/// What the header says: one of two forms.
pub(super) enum Signature<'a> {
    /// Over time and body.
    Timed {
        /// The time as it is written, and so as it is signed.
        text: &'a str,
        at: Timestamp,
        signatures: Vec<[u8; 32]>,
    },
    /// Over the body alone.
    BodyOnly([u8; 32]),
}

pub(super) fn read(headers: &HeaderMap) -> Result<Signature<'_>, Rejection> {
    let text = header::only(headers, NAME)?;
    let bare = text.strip_prefix("sha256=").unwrap_or(text);
    if !bare.contains('=') {
        return digest(bare).map(Signature::BodyOnly);
    }
    timed(text)
}

fn timed(text: &str) -> Result<Signature<'_>, Rejection> {
    let (mut time, mut signatures) = (None, Vec::new());
    for part in header::parts(text, NAME) {
        match part? {
            ("t", value) if time.is_none() => time = Some(value),
            ("t", _) => return Err(Rejection::malformed(NAME, "t stands twice")),
            ("v1", _) if signatures.len() == SIGNATURES_MAX => {
                return Err(Rejection::malformed(NAME, "there are more than 8 v1"));
            }
            ("v1", value) => signatures.push(digest(value)?),
            _ => return Err(Rejection::malformed(NAME, "its parts are t and v1")),
        }
    }
    let text = time.ok_or(Rejection::malformed(NAME, "t is not there"))?;
    if signatures.is_empty() {
        return Err(Rejection::malformed(NAME, "v1 is not there"));
    }
    Ok(Signature::Timed { text, at: seconds(text)?, signatures })
}

fn seconds(text: &str) -> Result<Timestamp, Rejection> {
    let seconds = notation::time(text).and_then(|seconds| Timestamp::from_second(seconds).ok());
    seconds.ok_or(Rejection::malformed(NAME, "t is not a number of seconds since 1970"))
}

fn digest(text: &str) -> Result<[u8; 32], Rejection> {
    notation::hex_32(text)
        .ok_or(Rejection::malformed(NAME, "a signature is 64 hexadecimal digits in lower case"))
}
