//! One line of the access log, written by hand: a general serialiser costs more than a small handler.

use std::io::Write as _;
use std::net::IpAddr;

use crate::keys::Label;

/// Longest text of a client in a line, in bytes; the rest is cut.
const TEXT_BYTES_MAX: usize = 512;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What is said of one request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    pub(super) request_id: &'a str,
    pub(super) client: Option<IpAddr>,
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) route: Option<&'a str>,
    /// `None`: the client went away before the answer.
    pub(super) status: Option<u16>,
    pub(super) code: Option<&'a str>,
    pub(super) bytes: Option<u64>,
    pub(super) took_us: u64,
    pub(super) key: Option<Label>,
    pub(super) user_agent: Option<&'a [u8]>,
}

impl Line<'_> {
    fn level(&self) -> &'static str {
        if self.status.is_some_and(|status| status >= 500) { "ERROR" } else { "INFO" }
    }

    /// Appends the line; `time` is already as it shall be.
    pub(super) fn write(&self, format: Format, time: &[u8], out: &mut Vec<u8>) {
        match format {
            Format::Json => self.write_json(time, out),
            Format::Text => self.write_text(time, out),
        }
        out.push(b'\n');
    }

    fn write_json(&self, time: &[u8], out: &mut Vec<u8>) {
        put(out, &[b"{\"timestamp\":\"", time, b"\",\"level\":\"", self.level().as_bytes()]);
        put(
            out,
            &[b"\",\"target\":\"access\",\"request_id\":\"", self.request_id.as_bytes(), b"\",\"client\":\""],
        );
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
        put_number(out, Some(self.took_us));
        if let Some(code) = self.code {
            put(out, &[b",\"code\":\"", code.as_bytes(), b"\""]);
        }
        if let Some(key) = self.key {
            put(out, &[b",\"key\":\""]);
            put_label(out, key);
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
        put_number(out, Some(self.took_us));
        put(out, &[b" client="]);
        put_address(out, self.client);
        put(out, &[b" request_id=", self.request_id.as_bytes()]);
        if let Some(code) = self.code {
            put(out, &[b" code=", code.as_bytes()]);
        }
        if let Some(key) = self.key {
            put(out, &[b" key="]);
            put_label(out, key);
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
            for (place, octet) in address.octets().into_iter().enumerate() {
                put(
                    out,
                    &[if place == 0 { b"" } else { b"." }, itoa::Buffer::new().format(octet).as_bytes()],
                );
            }
        }
        // Writing into memory cannot fail.
        Some(IpAddr::V6(address)) => drop(write!(out, "{address}")),
        None => out.push(b'-'),
    }
}

fn put_label(out: &mut Vec<u8>, label: Label) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in label.bytes() {
        out.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

/// Appends what a client sent, as the inside of a JSON string: no quote, control character, escape sequence or byte
/// beyond ASCII comes through as itself.
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
