//! Reads a request head strictly: where it ends, whether it is sound, and what body follows it.
//!
//! The checks are those that a layer above hyper cannot make, because hyper has by then repaired, merged or dropped
//! what they look for (RFC 9112 §2.2, §3.2, §6.1, §6.3).

use std::mem::MaybeUninit;

use httparse::Header;
use memchr::memchr;

use super::{REFUSED_METHOD, Refusal};

/// Bytes of a request target: longer ones answer 414.
pub const TARGET_BYTES_MAX: usize = 8 * 1024;
/// Bytes of a head with its request line and its last empty line: longer ones answer 431.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Header fields of a request: more answer 431.
pub const HEADERS_MAX: usize = 64;

/// Bytes of a request line: the target, and room for the longest sensible method and the version.
const REQUEST_LINE_BYTES_MAX: usize = TARGET_BYTES_MAX + 64;
/// Digits of a `Content-Length`: every number of so many digits fits 64 bits.
const LENGTH_DIGITS_MAX: usize = 18;

/// What follows a head on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// So many bytes; often none.
    Length(u64),
    /// Chunks, to be followed one by one.
    Chunked,
}

/// Looks for the end of a head; each byte is looked at once, however the head is split.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scan {
    seen: usize,
    line_start: usize,
    lines: usize,
}

/// How far the end of a head has been found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Not yet.
    More,
    /// The head is so many bytes long.
    Complete(usize),
    /// No continuation could make it good.
    Refused(Refusal),
}

impl Scan {
    /// Goes on; `head` starts with the bytes of the calls before.
    pub(super) fn advance(&mut self, head: &[u8]) -> Progress {
        while let Some(offset) = memchr(b'\n', &head[self.seen..]) {
            let line_feed = self.seen + offset;
            if let Some(refusal) = self.too_long(line_feed) {
                return Progress::Refused(refusal);
            }
            if line_feed == 0 || head[line_feed - 1] != b'\r' {
                return Progress::Refused(Refusal::LineEnding);
            }
            let is_empty = line_feed == self.line_start + 1;
            self.seen = line_feed + 1;
            // One empty line before the request line is tolerated, as RFC 9112 §2.2 asks.
            match (is_empty, self.lines, self.line_start) {
                (true, 0, 0) => {}
                (true, 0, _) => return Progress::Refused(Refusal::Malformed),
                (true, _, _) => return Progress::Complete(self.seen),
                (false, _, _) => self.lines += 1,
            }
            self.line_start = self.seen;
        }
        self.seen = head.len();
        self.too_long(head.len().saturating_sub(1)).map_or(Progress::More, Progress::Refused)
    }

    /// Whether the byte at this place is beyond what a head may have; the answer depends on the place alone, so that
    /// it is the same however the head is split.
    fn too_long(&self, at: usize) -> Option<Refusal> {
        if self.lines == 0 && at >= REQUEST_LINE_BYTES_MAX {
            Some(Refusal::TargetTooLong)
        } else if at >= HEAD_BYTES_MAX {
            Some(Refusal::HeadTooLarge)
        } else {
            None
        }
    }
}

/// Judges a complete head and says what body follows.
pub(super) fn judge(head: &[u8]) -> Result<Body, Refusal> {
    let mut headers = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut []);
    match request.parse_with_uninit_headers(head, &mut headers) {
        Ok(httparse::Status::Complete(length)) if length == head.len() => {}
        Err(httparse::Error::TooManyHeaders) => return Err(Refusal::TooManyHeaders),
        Ok(_) | Err(_) => return Err(Refusal::Malformed),
    }
    let (Some(method), Some(target), Some(minor_version)) = (request.method, request.path, request.version)
    else {
        return Err(Refusal::Malformed);
    };
    if method == REFUSED_METHOD {
        return Err(Refusal::Malformed);
    }
    let fields = Fields::read(request.headers)?;
    let host = fields.host(minor_version)?;
    judge_target(method, target, host)?;
    let body = fields.body(minor_version)?;
    let is_bodiless = matches!(method, "GET" | "HEAD" | "DELETE" | "TRACE");
    if is_bodiless && body != Body::Length(0) { Err(Refusal::UnexpectedBody) } else { Ok(body) }
}

/// The header fields that say whom a message is for and how long it is.
#[derive(Default)]
struct Fields<'a> {
    host: Option<&'a [u8]>,
    content_length: Option<&'a [u8]>,
    transfer_encoding: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    fn read(headers: &[Header<'a>]) -> Result<Self, Refusal> {
        let mut fields = Self::default();
        for header in headers {
            // The lengths differ, so most names are settled by one comparison.
            let (field, refusal) = match header.name.len() {
                4 if header.name.eq_ignore_ascii_case("host") => (&mut fields.host, Refusal::Host),
                14 if header.name.eq_ignore_ascii_case("content-length") => {
                    (&mut fields.content_length, Refusal::Framing)
                }
                17 if header.name.eq_ignore_ascii_case("transfer-encoding") => {
                    (&mut fields.transfer_encoding, Refusal::Framing)
                }
                _ => continue,
            };
            if field.replace(header.value).is_some() {
                return Err(refusal);
            }
        }
        Ok(fields)
    }

    /// The host, which HTTP/1.1 requires.
    fn host(&self, minor_version: u8) -> Result<Option<&'a [u8]>, Refusal> {
        match self.host {
            Some(host) if is_authority(host) => Ok(Some(host)),
            None if minor_version == 0 => Ok(None),
            Some(_) | None => Err(Refusal::Host),
        }
    }

    fn body(&self, minor_version: u8) -> Result<Body, Refusal> {
        match (self.content_length, self.transfer_encoding) {
            (None, None) => Ok(Body::Length(0)),
            (Some(length), None) => parse_length(length).map(Body::Length).ok_or(Refusal::Framing),
            (None, Some(coding)) if minor_version == 1 && coding.eq_ignore_ascii_case(b"chunked") => {
                Ok(Body::Chunked)
            }
            (_, Some(_)) => Err(Refusal::Framing),
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

fn judge_target(method: &str, target: &str, host: Option<&[u8]>) -> Result<(), Refusal> {
    if target.len() > TARGET_BYTES_MAX {
        return Err(Refusal::TargetTooLong);
    }
    if !target.bytes().all(|byte| IS_TARGET[usize::from(byte)]) {
        return Err(Refusal::Target);
    }
    if target.starts_with('/') || (target == "*" && method == "OPTIONS") {
        return Ok(());
    }
    // Absolute form is for proxies; it is accepted when it says nothing else than the Host header does.
    let names_this_host = target.parse::<http::Uri>().is_ok_and(|uri| {
        uri.scheme().is_some()
            && uri
                .authority()
                .map(|authority| authority.as_str().as_bytes())
                .zip(host)
                .is_some_and(|(authority, host)| authority.eq_ignore_ascii_case(host))
    });
    if names_this_host && method != "CONNECT" { Ok(()) } else { Err(Refusal::Target) }
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
