//! Any request in HTTP/2, however wrong.

use std::io::Write;

use tests::Server;

use super::{CONTINUATION, END_HEADERS, END_STREAM, GOAWAY, HEADERS, RST_STREAM, connect, frame, frames};

const DATA: u8 = 0;

/// A header field in HPACK: literal, never indexed, without Huffman's code (RFC 7541 §6.2.3).
fn field(name: &str, value: &[u8]) -> Vec<u8> {
    let length = |length: usize| match u8::try_from(length) {
        Ok(short @ ..127) => vec![short],
        // The rest in groups of seven bits, the lowest first.
        _ => {
            let mut rest = length - 127;
            let mut bytes = vec![127];
            while rest >= 128 {
                bytes.push(u8::try_from(rest % 128).unwrap() | 128);
                rest /= 128;
            }
            bytes.push(u8::try_from(rest).unwrap());
            bytes
        }
    };
    [&[0x10], &*length(name.len()), name.as_bytes(), &*length(value.len()), value].concat()
}

/// A request in HTTP/2: its pseudo-headers and headers, then its body.
pub(super) struct Request {
    pub(super) fields: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Request {
    pub(super) fn new(fields: &[(&str, &str)]) -> Self {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
        Self { fields: fields.collect(), body: Vec::new() }
    }

    /// The same request as in HTTP/1; `None` if its fault is one of lines or chunks, which HTTP/2 has not.
    pub(super) fn from_http1(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let (head, body) = (std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 4..]);
        let (line, headers) = head.split_once("\r\n")?;
        let (method, rest) = line.split_once(' ')?;
        let target = rest.strip_suffix(" HTTP/1.1")?;
        if target.starts_with(' ') {
            return None;
        }
        let mut fields = vec![(":method".to_owned(), method.as_bytes().to_vec())];
        let mut authority = None;
        if let Some((scheme, rest)) = target.split_once("://") {
            let (host, path) = rest.split_once('/')?;
            authority = Some(host);
            fields.extend([(":scheme", scheme), (":path", &*format!("/{path}"))].map(owned));
        } else if method != "CONNECT" {
            fields.extend([(":scheme", "http"), (":path", target)].map(owned));
        }
        let mut others = Vec::new();
        for header in headers.split("\r\n") {
            let (name, value) = header.split_once(':')?;
            if name.is_empty() || name.ends_with(' ') {
                return None;
            }
            match (&*name.to_lowercase(), authority) {
                ("host", None) => authority = Some(value.trim()),
                (name, _) => others.push((name.to_owned(), value.trim_matches(' ').as_bytes().to_vec())),
            }
        }
        fields.extend(authority.map(|host| owned((":authority", host))));
        fields.extend(others);
        Some(Self { fields, body: body.to_vec() })
    }

    /// The status of the response; `None` if the stream or the connection was reset.
    pub(super) fn status(&self, server: &Server) -> Option<u16> {
        let mut stream = connect(server);
        let block: Vec<u8> = self.fields.iter().flat_map(|(name, value)| field(name, value)).collect();
        let mut parts = block.chunks(16_000).peekable();
        let end = if self.body.is_empty() { END_STREAM } else { 0 };
        let mut bytes = Vec::new();
        let mut kind = HEADERS;
        while let Some(part) = parts.next() {
            let last = if parts.peek().is_none() { END_HEADERS } else { 0 };
            bytes.extend(frame(kind, last | if kind == HEADERS { end } else { 0 }, 1, part));
            kind = CONTINUATION;
        }
        if !self.body.is_empty() {
            bytes.extend(frame(DATA, END_STREAM, 1, &self.body));
        }
        // It may refuse before it has read all.
        drop(stream.write_all(&bytes));
        let received = frames(&mut stream, &[HEADERS, RST_STREAM, GOAWAY]);
        let (_, block) = received.iter().find(|(kind, _)| *kind == HEADERS)?;
        Some(status(block))
    }
}

pub(super) fn owned((name, value): (&str, &str)) -> (String, Vec<u8>) {
    (name.to_owned(), value.as_bytes().to_vec())
}

/// The status at the beginning of a header block: indexed, or three digits in Huffman's code (RFC 7541, appendices A and B).
fn status(block: &[u8]) -> u16 {
    const INDEXED: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];
    if let 0x88..=0x8e = block[0] {
        return INDEXED[usize::from(block[0] - 0x88)];
    }
    assert_eq!(block[0] & 0xf0, 0x40, "a literal :status: {block:02x?}");
    let length = usize::from(block[1] & 0x7f);
    let value = &block[2..2 + length];
    if block[1] & 0x80 == 0 {
        return std::str::from_utf8(value).unwrap().parse().unwrap();
    }
    let bits: String = value.iter().map(|byte| format!("{byte:08b}")).collect();
    let (mut number, mut rest) = (0, &*bits);
    for _ in 0..3 {
        // 0 to 2 have five bits, 3 to 9 have six, from 011001 on.
        let code = |length| u16::from_str_radix(rest.get(..length).unwrap(), 2).unwrap();
        let (digit, length) = if code(5) < 3 { (code(5), 5) } else { (code(6) - 22, 6) };
        number = number * 10 + digit;
        rest = rest.get(length..).unwrap();
    }
    number
}
