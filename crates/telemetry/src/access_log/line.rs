//! One line of the access log. Formatted by hand, because a general serializer costs more than a small handler.

use std::io::Write as _;
use std::net::IpAddr;
use std::ops::Range;

use crate::logs::Format;
use crate::span_ids::SpanIds;

/// Longest text from a client in a line, in bytes; the rest is cut.
const TEXT_BYTES_MAX: usize = 512;
const JSON_START: &[u8] = b"{\"timestamp\":\"";
/// Length of a time such as `2026-11-22T03:20:22.123456Z`.
const TIME_BYTES: usize = 27;

/// One request in the access log.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// Empty if the request was refused before it got an id.
    pub request_id: &'a str,
    /// The ids of its span, if there are traces, also of one that is not recorded.
    pub ids: Option<SpanIds>,
    /// The client's address, as reported by trusted proxies.
    pub client: Option<IpAddr>,
    /// As the client sent it.
    pub method: &'a str,
    /// Without the query, because clients put secrets there.
    pub path: &'a str,
    /// The matched pattern, such as `/api/analyze/{symbol}`.
    pub route: Option<&'a str>,
    /// `None`: the client closed the connection before the response.
    pub status: Option<u16>,
    /// The code of the problem, if the response is one.
    pub code: Option<&'a str>,
    /// The size of the response body, if it is known.
    pub bytes: Option<u64>,
    /// Time from the head of the request to the head of the response.
    pub duration_us: u64,
    /// The label of the API key, which identifies the key without revealing it: eight ASCII letters and digits.
    pub key: Option<[u8; 8]>,
    /// As the client sent it.
    pub user_agent: Option<&'a [u8]>,
}

impl Line<'_> {
    fn level(&self) -> &'static str {
        if self.status.is_some_and(|status| status >= 500) { "ERROR" } else { "INFO" }
    }

    /// Where a written line has its time.
    pub(super) fn time_position(format: Format) -> Range<usize> {
        let start = match format {
            Format::Json => JSON_START.len(),
            Format::Text => 0,
        };
        start..start + TIME_BYTES
    }

    /// Appends the line; `time` is already formatted.
    pub(super) fn write(&self, format: Format, time: &[u8], out: &mut Vec<u8>) {
        match format {
            Format::Json => self.write_json(time, out),
            Format::Text => self.write_text(time, out),
        }
        out.push(b'\n');
    }

    fn write_json(&self, time: &[u8], out: &mut Vec<u8>) {
        put(out, &[JSON_START, time, b"\",\"level\":\"", self.level().as_bytes()]);
        put(out, &[b"\",\"target\":\"access\",\"request_id\":\"", self.request_id.as_bytes()]);
        if let Some(ids) = self.ids {
            put(out, &[b"\",\"trace_id\":\"", &ids.trace_id(), b"\",\"span_id\":\"", &ids.span_id()]);
        }
        put(out, &[b"\",\"client\":\""]);
        put_address(out, self.client);
        put(out, &[b"\",\"method\":\""]);
        put_escaped(out, self.method.as_bytes());
        put(out, &[b"\",\"path\":\""]);
        put_escaped(out, self.path.as_bytes());
        put(out, &[b"\",\"route\":\"", self.route.unwrap_or("unmatched").as_bytes(), b"\",\"status\":"]);
        put_number(out, self.status.map(u64::from));
        put(out, &[b",\"bytes\":"]);
        put_number(out, self.bytes);
        put(out, &[b",\"duration_us\":"]);
        put_number(out, Some(self.duration_us));
        if let Some(code) = self.code {
            put(out, &[b",\"code\":\"", code.as_bytes(), b"\""]);
        }
        if let Some(key) = self.key {
            put(out, &[b",\"key\":\""]);
            out.extend_from_slice(&key);
            out.push(b'"');
        }
        if let Some(user_agent) = self.user_agent {
            put(out, &[b",\"user_agent\":\""]);
            put_escaped(out, user_agent);
            out.push(b'"');
        }
        out.push(b'}');
    }

    fn write_text(&self, time: &[u8], out: &mut Vec<u8>) {
        put(out, &[time, b" ", self.level().as_bytes(), b" access: "]);
        put_escaped(out, self.method.as_bytes());
        out.push(b' ');
        put_escaped(out, self.path.as_bytes());
        put(out, &[b" status="]);
        put_number(out, self.status.map(u64::from));
        put(out, &[b" bytes="]);
        put_number(out, self.bytes);
        put(out, &[b" duration_us="]);
        put_number(out, Some(self.duration_us));
        put(out, &[b" client="]);
        put_address(out, self.client);
        put(out, &[b" request_id=", self.request_id.as_bytes()]);
        if let Some(ids) = self.ids {
            put(out, &[b" trace_id=", &ids.trace_id(), b" span_id=", &ids.span_id()]);
        }
        if let Some(code) = self.code {
            put(out, &[b" code=", code.as_bytes()]);
        }
        if let Some(key) = self.key {
            put(out, &[b" key="]);
            out.extend_from_slice(&key);
        }
        if let Some(user_agent) = self.user_agent {
            put(out, &[b" user_agent=\""]);
            put_escaped(out, user_agent);
            out.push(b'"');
        }
    }
}

fn put(out: &mut Vec<u8>, parts: &[&[u8]]) {
    for part in parts {
        out.extend_from_slice(part);
    }
}

fn put_number(out: &mut Vec<u8>, number: Option<u64>) {
    match number {
        Some(number) => out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes()),
        None => out.extend_from_slice(b"null"),
    }
}

fn put_address(out: &mut Vec<u8>, address: Option<IpAddr>) {
    match address {
        Some(IpAddr::V4(address)) => {
            for (index, octet) in address.octets().into_iter().enumerate() {
                let separator: &[u8] = if index == 0 { b"" } else { b"." };
                put(out, &[separator, itoa::Buffer::new().format(octet).as_bytes()]);
            }
        }
        // Writing into memory cannot fail.
        Some(IpAddr::V6(address)) => drop(write!(out, "{address}")),
        None => out.push(b'-'),
    }
}

/// Appends client input as the inside of a JSON string: quotes, control characters and bytes beyond ASCII are escaped.
fn put_escaped(out: &mut Vec<u8>, text: &[u8]) {
    let text = text.get(..TEXT_BYTES_MAX).unwrap_or(text);
    if text.iter().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')) {
        out.extend_from_slice(text);
        return;
    }
    for byte in text {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            b' '..=b'~' => out.push(*byte),
            other => drop(write!(out, "\\u{other:04x}")),
        }
    }
}
