//! Parses a request head of HTTP/1 strictly: where it ends, whether it is sound, and what body follows it.
//!
//! The checks are those that a layer above hyper cannot make, because hyper has by then repaired, merged or dropped
//! what they look for (RFC 9112 §2.2, §3.2, §6.1, §6.3).

use std::mem::MaybeUninit;

use memchr::memchr;

use crate::rules::{
    Body, Fields, TARGET_BYTES_MAX, check_target, is_authority, is_origin_form, is_scheme, is_target,
};
use crate::{HeadError, REJECTED_METHOD};

/// Most bytes of a head, request line and final empty line included.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Most header fields of a request.
pub const HEADERS_MAX: usize = 64;

/// Bytes of a request line: the target, a long method, and the version.
const REQUEST_LINE_BYTES_MAX: usize = TARGET_BYTES_MAX + 64;
/// Longest path of a rejected head that is reported.
const PATH_BYTES_MAX: usize = 1024;

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
    let fields = Fields::parse(request.headers.iter().map(|header| (header.name, header.value)))?;
    let host = fields.host.filter(|host| is_authority(host));
    // HTTP/1.1 requires a host.
    if host.is_none() && (minor_version == 1 || fields.host.is_some()) {
        return Err(HeadError::Host);
    }
    validate_target(method, target, host)?;
    fields.body(method, minor_version == 1)
}

fn validate_target(method: &str, target: &str, host: Option<&[u8]>) -> Result<(), HeadError> {
    check_target(target)?;
    if is_origin_form(method, target) {
        return Ok(());
    }
    // Absolute form is for proxies; it is accepted if it equals the Host header.
    let names_this_host = target.parse::<http::Uri>().is_ok_and(|uri| {
        uri.scheme_str().is_some_and(is_scheme)
            && uri
                .authority()
                .map(|authority| authority.as_str().as_bytes())
                .zip(host)
                .is_some_and(|(authority, host)| authority.eq_ignore_ascii_case(host))
    });
    if names_this_host && method != "CONNECT" { Ok(()) } else { Err(HeadError::Target) }
}

/// The path of a rejected head; `*` if it cannot be read. Depends on the bytes of the request line alone, which are there whenever a
/// head is rejected.
pub(crate) fn readable_path(head: &[u8]) -> &[u8] {
    let line = &head[..head.len().min(REQUEST_LINE_BYTES_MAX)];
    let line =
        line.strip_prefix(b"\r\n").unwrap_or(line).split(|byte| *byte == b'\n').next().unwrap_or_default();
    let target = line.trim_ascii_end().split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    let is_readable = path.len() <= PATH_BYTES_MAX && path.iter().copied().all(is_target);
    if is_readable && path.starts_with(b"/") { path } else { b"*" }
}

#[cfg(test)]
mod tests;
