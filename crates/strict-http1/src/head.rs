//! Parses a request head strictly: where it ends, whether it is sound, and what body follows it.
//!
//! The checks are those that a layer above hyper cannot make, because hyper has by then repaired, merged or dropped
//! what they look for (RFC 9112 §2.2, §3.2, §6.1, §6.3).

use std::mem::MaybeUninit;

use httparse::Header;
use memchr::memchr;

use crate::{HeadError, REJECTED_METHOD};

/// Most bytes of a request target.
pub const TARGET_BYTES_MAX: usize = 8 * 1024;
/// Most bytes of a head, request line and final empty line included.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Most header fields of a request.
pub const HEADERS_MAX: usize = 64;

/// Bytes of a request line: the target, a long method, and the version.
const REQUEST_LINE_BYTES_MAX: usize = TARGET_BYTES_MAX + 64;
/// Digits of a `Content-Length`: every number of so many digits fits 64 bits.
const LENGTH_DIGITS_MAX: usize = 18;

/// The body after a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// In bytes; often 0.
    Length(u64),
    Chunked,
}

/// Finds the end of a head; each byte is scanned once, however the head is split.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scan {
    scanned: usize,
    line_start: usize,
    lines: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Incomplete,
    /// With the length of the head in bytes.
    Complete(usize),
    /// The head is invalid, whatever follows.
    Rejected(HeadError),
}

impl Scan {
    /// Scans on; `head` starts with the bytes of earlier calls.
    pub(crate) fn advance(&mut self, head: &[u8]) -> Progress {
        while let Some(offset) = memchr(b'\n', &head[self.scanned..]) {
            let line_feed = self.scanned + offset;
            if let Some(error) = self.too_long(line_feed) {
                return Progress::Rejected(error);
            }
            if line_feed == 0 || head[line_feed - 1] != b'\r' {
                return Progress::Rejected(HeadError::LineEnding);
            }
            let is_empty = line_feed == self.line_start + 1;
            self.scanned = line_feed + 1;
            // One empty line before the request line is allowed (RFC 9112 §2.2).
            match (is_empty, self.lines, self.line_start) {
                (true, 0, 0) => {}
                (true, 0, _) => return Progress::Rejected(HeadError::Malformed),
                (true, _, _) => return Progress::Complete(self.scanned),
                (false, _, _) => self.lines += 1,
            }
            self.line_start = self.scanned;
        }
        self.scanned = head.len();
        self.too_long(head.len().saturating_sub(1)).map_or(Progress::Incomplete, Progress::Rejected)
    }

    /// Whether a byte at this position exceeds a limit. Depends on the position alone, so that the result does not depend on
    /// the split of the head.
    fn too_long(&self, at: usize) -> Option<HeadError> {
        if self.lines == 0 && at >= REQUEST_LINE_BYTES_MAX {
            Some(HeadError::TargetTooLong)
        } else if at >= HEAD_BYTES_MAX {
            Some(HeadError::HeadTooLarge)
        } else {
            None
        }
    }
}

/// Validates a complete head and returns the framing of its body.
pub(crate) fn validate(head: &[u8]) -> Result<Body, HeadError> {
    let mut headers = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut []);
    match request.parse_with_uninit_headers(head, &mut headers) {
        Ok(httparse::Status::Complete(length)) if length == head.len() => {}
        Err(httparse::Error::TooManyHeaders) => return Err(HeadError::TooManyHeaders),
        Ok(_) | Err(_) => return Err(HeadError::Malformed),
    }
    let (Some(method), Some(target), Some(minor_version)) = (request.method, request.path, request.version)
    else {
        return Err(HeadError::Malformed);
    };
    if method == REJECTED_METHOD {
        return Err(HeadError::Malformed);
    }
    let fields = Fields::parse(request.headers)?;
    let host = fields.host(minor_version)?;
    validate_target(method, target, host)?;
    let body = fields.body(minor_version)?;
    let is_bodiless = matches!(method, "GET" | "HEAD" | "DELETE" | "TRACE");
    if is_bodiless && body != Body::Length(0) { Err(HeadError::UnexpectedBody) } else { Ok(body) }
}

/// The header fields that determine the recipient and the length of a message.
#[derive(Default)]
struct Fields<'a> {
    host: Option<&'a [u8]>,
    content_length: Option<&'a [u8]>,
    transfer_encoding: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    fn parse(headers: &[Header<'a>]) -> Result<Self, HeadError> {
        let mut fields = Self::default();
        for header in headers {
            // The lengths differ, so that most names need one comparison.
            let (field, error) = match header.name.len() {
                4 if header.name.eq_ignore_ascii_case("host") => (&mut fields.host, HeadError::Host),
                14 if header.name.eq_ignore_ascii_case("content-length") => {
                    (&mut fields.content_length, HeadError::Framing)
                }
                17 if header.name.eq_ignore_ascii_case("transfer-encoding") => {
                    (&mut fields.transfer_encoding, HeadError::Framing)
                }
                _ => continue,
            };
            if field.replace(header.value).is_some() {
                return Err(error);
            }
        }
        Ok(fields)
    }

    /// HTTP/1.1 requires a host.
    fn host(&self, minor_version: u8) -> Result<Option<&'a [u8]>, HeadError> {
        match self.host {
            Some(host) if is_authority(host) => Ok(Some(host)),
            None if minor_version == 0 => Ok(None),
            Some(_) | None => Err(HeadError::Host),
        }
    }

    fn body(&self, minor_version: u8) -> Result<Body, HeadError> {
        match (self.content_length, self.transfer_encoding) {
            (None, None) => Ok(Body::Length(0)),
            (Some(length), None) => parse_length(length).map(Body::Length).ok_or(HeadError::Framing),
            (None, Some(coding)) if minor_version == 1 && coding.eq_ignore_ascii_case(b"chunked") => {
                Ok(Body::Chunked)
            }
            (_, Some(_)) => Err(HeadError::Framing),
        }
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

fn is_authority(host: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:[]".contains(byte);
    !host.is_empty() && host.iter().all(is_part)
}

fn validate_target(method: &str, target: &str, host: Option<&[u8]>) -> Result<(), HeadError> {
    if target.len() > TARGET_BYTES_MAX {
        return Err(HeadError::TargetTooLong);
    }
    if !target.bytes().all(|byte| IS_TARGET[usize::from(byte)]) {
        return Err(HeadError::Target);
    }
    if target.starts_with('/') || (target == "*" && method == "OPTIONS") {
        return Ok(());
    }
    // Absolute form is for proxies; it is accepted if it equals the Host header.
    let names_this_host = target.parse::<http::Uri>().is_ok_and(|uri| {
        uri.scheme().is_some()
            && uri
                .authority()
                .map(|authority| authority.as_str().as_bytes())
                .zip(host)
                .is_some_and(|(authority, host)| authority.eq_ignore_ascii_case(host))
    });
    if names_this_host && method != "CONNECT" { Ok(()) } else { Err(HeadError::Target) }
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

#[cfg(test)]
mod tests;
