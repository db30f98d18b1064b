//! Hand-written HTTP/2 frames: rapid reset, endless headers, and the probes of HTTP/1.

mod request;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use tests::{Server, ServerOptions};

use crate::framing::{head_probes, length_probes};
use request::{Request, owned};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const CANCEL: [u8; 4] = [0, 0, 0, 8];
const ENHANCE_YOUR_CALM: u32 = 11;
const NO_ERROR: u32 = 0;
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

/// `GET /livez` for `localhost` in HPACK: indexed method and scheme, literal path and authority (RFC 7541, appendix A).
const GET_LIVEZ: &[u8] = b"\x82\x86\x04\x06/livez\x41\x09localhost";

const GET_OPENAPI: &[u8] = b"\x82\x86\x04\x0d/openapi.json\x41\x09localhost";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

fn connect(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(RESPONSE_TIMEOUT)).unwrap();
    stream.write_all(PREFACE).unwrap();
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
    stream
}

/// Reads frames (kind, payload) until one is of these kinds, the connection closes, or the timeout expires.
fn frames(stream: &mut TcpStream, until: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 8192];
    let deadline = Instant::now() + RESPONSE_TIMEOUT;
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        bytes.extend_from_slice(&buffer[..count]);
        if Instant::now() > deadline || split(&bytes).iter().any(|(kind, _)| until.contains(kind)) {
            break;
        }
    }
    split(&bytes)
}

/// The complete frames.
fn split(bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    let mut rest = bytes;
    while rest.len() >= 9 {
        let length = usize::from(rest[0]) << 16 | usize::from(rest[1]) << 8 | usize::from(rest[2]);
        let Some(payload) = rest.get(9..9 + length) else { break };
        found.push((rest[3], payload.to_vec()));
        rest = &rest[9 + length..];
    }
    found
}

fn goaway_code(frames: &[(u8, Vec<u8>)]) -> Option<u32> {
    let (_, payload) = frames.iter().find(|(kind, _)| *kind == GOAWAY)?;
    Some(u32::from_be_bytes(payload.get(4..8)?.try_into().ok()?))
}

#[test]
fn an_ordinary_request_gets_a_response() {
    let server = ServerOptions::new().start();
    let mut stream = connect(&server);
    stream.write_all(&frame(HEADERS, END_HEADERS | END_STREAM, 1, GET_LIVEZ)).unwrap();
    let found = frames(&mut stream, &[HEADERS]);
    let (_, block) = found.iter().find(|(kind, _)| *kind == HEADERS).expect("a response");
    assert_eq!(block[0], 0x88, "indexed :status 200 (RFC 7541, appendix A)");
}

/// A proxy sends requests of several clients over one connection.
#[test]
fn a_stream_that_takes_nothing_is_ended_and_the_others_go_on() {
    let server = ServerOptions::new().set("SEND_TIMEOUT_SECS", "1").start();
    let mut stream = connect(&server);
    // SETTINGS_INITIAL_WINDOW_SIZE (4) of 0 (RFC 9113, section 6.5.2).
    stream.write_all(&frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0])).unwrap();
    let unread = frame(HEADERS, END_HEADERS | END_STREAM, 1, GET_OPENAPI);
    stream.write_all(&unread).unwrap();
    let found = frames(&mut stream, &[RST_STREAM, GOAWAY]);
    assert!(found.contains(&(RST_STREAM, CANCEL.to_vec())), "{found:?}");
    stream.write_all(&frame(HEADERS, END_HEADERS | END_STREAM, 3, GET_LIVEZ)).unwrap();
    let found = frames(&mut stream, &[HEADERS, GOAWAY]);
    assert!(found.iter().any(|(kind, block)| *kind == HEADERS && block[0] == 0x88), "{found:?}");
}

#[test]
fn a_connection_gets_goaway_while_the_server_stops() {
    let server = ServerOptions::new().set("UNREADY_SECS", "5").start();
    let mut stream = connect(&server);
    stream.write_all(&frame(HEADERS, END_HEADERS | END_STREAM, 1, GET_LIVEZ)).unwrap();
    assert_eq!(goaway_code(&frames(&mut stream, &[HEADERS])), None);
    server.signal("TERM");
    assert_eq!(goaway_code(&frames(&mut stream, &[GOAWAY])), Some(NO_ERROR));
    assert_eq!(server.get("/livez", &[]).status, 200, "it still accepts connections");
}

#[test]
fn rapid_reset_gets_goaway_and_the_server_goes_on() {
    let server = ServerOptions::new().start();
    let mut stream = connect(&server);
    // All at once, as an attacker sends them: one by one, each would get a response before its reset.
    let pair = |number: u32| {
        let id = number * 2 + 1;
        let headers = frame(HEADERS, END_HEADERS | END_STREAM, id, GET_LIVEZ);
        [headers, frame(RST_STREAM, 0, id, &CANCEL)].concat()
    };
    // It may close before it has read all of them.
    drop(stream.write_all(&(0..1_000).flat_map(pair).collect::<Vec<u8>>()));
    assert_eq!(goaway_code(&frames(&mut stream, &[GOAWAY])), Some(ENHANCE_YOUR_CALM));
    assert_eq!(server.get("/livez", &[]).status, 200);
}

#[test]
fn endless_continuation_is_cut_and_memory_stays_flat() {
    let server = ServerOptions::new().start();
    assert_eq!(server.get("/livez", &[]).status, 200);
    let before_kib = server.resident_kib();
    let mut stream = connect(&server);
    stream.write_all(&frame(HEADERS, END_STREAM, 1, GET_LIVEZ)).unwrap();
    // A literal header never indexed: name of 1 byte, value of 100 bytes.
    let mut header = vec![0x10, 1, b'a', 100];
    header.extend_from_slice(&[b'v'; 100]);
    let block = header.repeat(100);
    for _ in 0..1_000 {
        if stream.write_all(&frame(CONTINUATION, 0, 1, &block)).is_err() {
            break;
        }
    }
    let found = frames(&mut stream, &[GOAWAY]);
    assert_ne!(goaway_code(&found).unwrap_or(ENHANCE_YOUR_CALM), NO_ERROR, "{found:?}");
    let grown_kib = server.resident_kib().saturating_sub(before_kib);
    assert!(grown_kib < 8 * 1024, "{grown_kib} KiB for 10 MB of headers");
    assert_eq!(server.get("/livez", &[]).status, 200);
}

/// Whether a response is as expected. A refused request may also have its stream reset, where hyper refuses it.
fn is_expected(found: Option<u16>, expected: &[u16]) -> bool {
    match found {
        Some(status) => expected.contains(&status),
        None => expected.iter().all(|status| *status >= 400),
    }
}

#[test]
fn the_probes_of_http1_get_the_same_response() {
    let server = ServerOptions::new().start();
    let (mut wrong, mut sent) = (Vec::new(), 0);
    for (name, bytes, expected) in length_probes().into_iter().chain(head_probes()) {
        let Some(request) = Request::from_http1(&bytes) else { continue };
        // Above twice the limit hyper responds by itself, to any part of the head.
        let too_large: &[u16] = if bytes.len() > 32 * 1024 { &[431] } else { &[] };
        let found = request.status(&server);
        if !is_expected(found, &[expected, too_large].concat()) {
            wrong.push(format!("{name}: {found:?}, not {expected:?}"));
        }
        sent += 1;
    }
    assert!(sent > 30, "{sent}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn forms_of_http2_alone_are_refused_as_well() {
    let server = ServerOptions::new().start();
    let get = |scheme, authority, path| {
        Request::new(&[(":method", "GET"), (":scheme", scheme), (":authority", authority), (":path", path)])
    };
    let with = |mut request: Request, name: &str, value: &str| {
        request.fields.push(owned((name, value)));
        request
    };
    let without_authority = || Request::new(&[(":method", "GET"), (":scheme", "http"), (":path", "/livez")]);
    for (name, request, expected) in [
        ("a sound request", get("http", "localhost", "/livez"), &[200][..]),
        ("https, as behind a proxy", get("https", "localhost", "/livez"), &[200]),
        (
            "a host beside the same authority",
            with(get("http", "localhost", "/livez"), "host", "LOCALHOST"),
            &[200],
        ),
        ("a host alone", with(without_authority(), "host", "localhost"), &[200]),
        ("no authority", without_authority(), &[400]),
        ("an empty authority", get("http", "", "/livez"), &[400]),
        (
            "another host beside the authority",
            with(get("http", "localhost", "/livez"), "host", "other"),
            &[400],
        ),
        ("two hosts", with(with(without_authority(), "host", "localhost"), "host", "localhost"), &[400]),
        ("a host with a path", with(without_authority(), "host", "a/b"), &[400]),
        ("a user", get("http", "user@localhost", "/livez"), &[400]),
        ("a user with a password", get("http", "user:password@localhost", "/livez"), &[400]),
        ("a character that no host has", get("http", "local!host", "/livez"), &[400]),
        ("another scheme", get("ftp", "localhost", "/livez"), &[400]),
        ("a star", get("http", "localhost", "*"), &[400]),
        ("a path without a slash", get("http", "localhost", "livez"), &[400]),
        ("a caret in the path", get("http", "localhost", "/livez^"), &[400]),
        ("a brace in the query", get("http", "localhost", "/livez?{"), &[400]),
        ("a second authority", with(get("http", "localhost", "/livez"), ":authority", "localhost"), &[400]),
        ("a length of a body", with(get("http", "localhost", "/livez"), "content-length", "2"), &[400]),
    ] {
        let found = request.status(&server);
        assert!(is_expected(found, expected), "{name}: {found:?}, not {expected:?}");
    }
}
