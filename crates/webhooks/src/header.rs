//! Headers that carry signatures, parsed strictly: sent once, in plain ASCII, of bounded length.

use http::HeaderMap;

use crate::rejection::Rejection;

/// Longest header that is parsed, in bytes: eight RSA signatures of 4,096 bits would fit.
const HEADER_BYTES_MAX: usize = 8192;

/// The one value of header `name`.
pub(crate) fn only<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, Rejection> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or(Rejection::Missing(name))?;
    if values.next().is_some() {
        return Err(Rejection::malformed(name, "duplicate header"));
    }
    if value.len() > HEADER_BYTES_MAX {
        return Err(Rejection::malformed(name, "it is longer than 8192 bytes"));
    }
    let is_plain = value.as_bytes().iter().all(|byte| (0x21..=0x7e).contains(byte));
    match value.to_str() {
        Ok(text) if is_plain => Ok(text),
        _ => Err(Rejection::malformed(name, "only visible ASCII characters without spaces are allowed")),
    }
}

/// Parts of `t=…,v1=…`, in order. A name ends at the first `=`, so that Base64 keeps its padding.
pub(crate) fn parts<'a>(
    text: &'a str,
    name: &'static str,
) -> impl Iterator<Item = Result<(&'a str, &'a str), Rejection>> {
    text.split(',').map(move |part| {
        part.split_once('=')
            .ok_or(Rejection::malformed(name, "expected name=value parts separated by commas"))
    })
}
