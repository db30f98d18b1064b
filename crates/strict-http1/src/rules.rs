//! What a sound request is, in HTTP/1 and HTTP/2 alike (RFC 9110 §4, §5.3; RFC 9112 §3.2, §6.1, §6.3).

use crate::HeadError;

/// Most bytes of a request target.
pub const TARGET_BYTES_MAX: usize = 8 * 1024;

/// Digits of a `Content-Length`: every number of so many digits fits 64 bits.
const LENGTH_DIGITS_MAX: usize = 18;

/// The body after a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// In bytes; often 0.
    Length(u64),
    Chunked,
}

/// The header fields that determine the recipient, the length and the type of a message.
#[derive(Default)]
pub(crate) struct Fields<'a> {
    pub(crate) host: Option<&'a [u8]>,
    content_length: Option<&'a [u8]>,
    transfer_encoding: Option<&'a [u8]>,
    content_type: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    /// Each of them may be there once.
    pub(crate) fn parse<'n>(headers: impl Iterator<Item = (&'n str, &'a [u8])>) -> Result<Self, HeadError> {
        let mut fields = Self::default();
        for (name, value) in headers {
            // The lengths differ, so that most names need one comparison.
            let (field, error) = match name.len() {
                4 if name.eq_ignore_ascii_case("host") => (&mut fields.host, HeadError::Host),
                12 if name.eq_ignore_ascii_case("content-type") => {
                    (&mut fields.content_type, HeadError::ContentType)
                }
                14 if name.eq_ignore_ascii_case("content-length") => {
                    (&mut fields.content_length, HeadError::Framing)
                }
                17 if name.eq_ignore_ascii_case("transfer-encoding") => {
                    (&mut fields.transfer_encoding, HeadError::Framing)
                }
                _ => continue,
            };
            if field.replace(value).is_some() {
                return Err(error);
            }
        }
        Ok(fields)
    }

    /// The body of a request with this method; `allows_chunked` in HTTP/1.1 alone.
    pub(crate) fn body(&self, method: &str, allows_chunked: bool) -> Result<Body, HeadError> {
        let body = match (self.content_length, self.transfer_encoding) {
            (None, None) => Body::Length(0),
            (Some(length), None) => Body::Length(parse_length(length).ok_or(HeadError::Framing)?),
            (None, Some(coding)) if allows_chunked && coding.eq_ignore_ascii_case(b"chunked") => {
                Body::Chunked
            }
            (_, Some(_)) => return Err(HeadError::Framing),
        };
        if is_bodiless(method) && body != Body::Length(0) { Err(HeadError::UnexpectedBody) } else { Ok(body) }
    }
}

/// Digits only: neither a sign, nor a list, nor white space, nor a number that does not fit.
fn parse_length(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > LENGTH_DIGITS_MAX {
        return None;
    }
    text.iter()
        .try_fold(0_u64, |length, byte| byte.is_ascii_digit().then(|| length * 10 + u64::from(byte - b'0')))
}

pub(crate) fn is_bodiless(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "DELETE" | "TRACE")
}

/// A host and a port, without the credentials of a user.
pub(crate) fn is_authority(host: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:[]".contains(byte);
    !host.is_empty() && host.iter().all(is_part)
}

pub(crate) fn is_scheme(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

/// Whether a target is a path of this server, or all of it.
pub(crate) fn is_origin_form(method: &str, target: &str) -> bool {
    target.starts_with('/') || (target == "*" && method == "OPTIONS")
}

/// Checks the length and the bytes of a target in any form.
pub(crate) fn check_target(target: &str) -> Result<(), HeadError> {
    if target.len() > TARGET_BYTES_MAX {
        return Err(HeadError::TargetTooLong);
    }
    if target.bytes().all(is_target) { Ok(()) } else { Err(HeadError::Target) }
}

pub(crate) fn is_target(byte: u8) -> bool {
    IS_TARGET[usize::from(byte)]
}

/// The bytes of RFC 3986 path and query: everything visible but delimiters that belong to neither.
const IS_TARGET: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0x21;
    while byte < 0x7f {
        table[byte] =
            !matches!(byte as u8, b'"' | b'#' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}');
        byte += 1;
    }
    table
};
