//! Raw requests that a lenient server accepts and a strict one rejects.

use std::time::Duration;

use tests::ServerOptions;
use tests::raw::{exchange, exchange_within, first_head};

/// Three times as long as a client may take to send a head, for busy machines.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

const OK: &[u16] = &[200];
const BAD: &[u16] = &[400];

/// Name, request, and the accepted statuses.
pub(crate) type Probe = (&'static str, Vec<u8>, &'static [u16]);

fn get(target: &str, headers: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").into_bytes()
}

fn post(headers: &str, body: &str) -> Vec<u8> {
    format!("POST /api/analyze HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{headers}\r\n{body}")
        .into_bytes()
}

/// An ambiguous end of a request is request smuggling: a proxy in front may see another one.
pub(crate) fn length_probes() -> Vec<Probe> {
    let chunked = "Transfer-Encoding: chunked\r\n";
    vec![
        (
            "content-length then transfer-encoding",
            post(&format!("Content-Length: 5\r\n{chunked}"), "0\r\n\r\n"),
            BAD,
        ),
        (
            "transfer-encoding then content-length",
            post(&format!("{chunked}Content-Length: 5\r\n"), "0\r\n\r\n"),
            BAD,
        ),
        ("unknown transfer coding", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), BAD),
        ("chunked is not last", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), BAD),
        ("chunked twice", post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), BAD),
        ("two transfer-encoding lines", post(&format!("{chunked}{chunked}"), "0\r\n\r\n"), BAD),
        ("blank before the colon", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), BAD),
        ("vertical tab in the coding", post("Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n"), BAD),
        ("two content-lengths that differ", post("Content-Length: 2\r\nContent-Length: 3\r\n", "{}x"), BAD),
        ("two content-lengths that agree", post("Content-Length: 2\r\nContent-Length: 2\r\n", "{}"), BAD),
        ("content-length list", post("Content-Length: 2, 2\r\n", "{}"), BAD),
        ("content-length with a plus", post("Content-Length: +2\r\n", "{}"), BAD),
        ("negative content-length", post("Content-Length: -2\r\n", "{}"), BAD),
        ("hexadecimal content-length", post("Content-Length: 0x2\r\n", "{}"), BAD),
        ("empty content-length", post("Content-Length:\r\n", "{}"), BAD),
        ("content-length of 2^64", post("Content-Length: 18446744073709551616\r\n", "{}"), BAD),
        (
            "a body on GET",
            get("/api/symbols", "Content-Length: 2\r\n").into_iter().chain(*b"{}").collect(),
            BAD,
        ),
        ("chunk size of 2^64", post(chunked, "10000000000000000\r\n{}\r\n0\r\n\r\n"), BAD),
        ("chunk size with a sign", post(chunked, "+2\r\n{}\r\n0\r\n\r\n"), BAD),
        ("chunk size that is no number", post(chunked, "zz\r\n{}\r\n0\r\n\r\n"), BAD),
        (
            "chunk extension of 20 KB",
            post(chunked, &format!("2;{}\r\n{{}}\r\n0\r\n\r\n", "x".repeat(20_000))),
            BAD,
        ),
        ("chunk line ended by LF alone", post(chunked, "2\n{}\r\n0\r\n\r\n"), BAD),
        ("chunk data longer than its size", post(chunked, "1\r\n{}\r\n0\r\n\r\n"), BAD),
    ]
}

pub(crate) fn head_probes() -> Vec<Probe> {
    let many = |count: usize| (0..count).map(|i| format!("X-H{i}: v\r\n")).collect::<String>();
    vec![
        ("no host", b"GET /livez HTTP/1.1\r\n\r\n".to_vec(), BAD),
        ("two hosts", get("/livez", "Host: other\r\n"), BAD),
        ("host with a path", b"GET /livez HTTP/1.1\r\nHost: a/b\r\n\r\n".to_vec(), BAD),
        ("lines ended by LF alone", b"GET /livez HTTP/1.1\nHost: localhost\n\n".to_vec(), BAD),
        (
            "one line ended by LF alone",
            b"GET /livez HTTP/1.1\r\nHost: localhost\nX-A: b\r\n\r\n".to_vec(),
            BAD,
        ),
        ("NUL in a value", get("/livez", "X-A: a\0b\r\n"), BAD),
        ("CR in a value", get("/livez", "X-A: a\rb\r\n"), BAD),
        ("folded value", get("/livez", "X-A: a\r\n b\r\n"), BAD),
        ("blank in a name", get("/livez", "X A: b\r\n"), BAD),
        ("empty name", get("/livez", ": b\r\n"), BAD),
        ("line without a colon", get("/livez", "nonsense\r\n"), BAD),
        ("no version", b"GET /livez\r\n\r\n".to_vec(), BAD),
        ("unknown version", b"GET /livez HTTP/1.7\r\nHost: localhost\r\n\r\n".to_vec(), &[400, 505]),
        ("two blanks in the request line", b"GET  /livez HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(), BAD),
        ("two content types", post("Content-Type: text/plain\r\nContent-Length: 2\r\n", "{}"), BAD),
        ("absolute form, another scheme", get("ftp://localhost/livez", ""), BAD),
        ("absolute form with a user", get("http://user@localhost/livez", ""), BAD),
        ("a star that is not of OPTIONS", get("*", ""), BAD),
        ("absolute form, another host", get("http://other.example/livez", ""), BAD),
        ("absolute form, the same host", get("http://localhost/livez", ""), OK),
        ("encoded slashes in a parameter", get("/api/bars/..%2f..%2fetc", ""), BAD),
        ("encoded NUL in a parameter", get("/api/bars/A%00B", ""), BAD),
        ("doubled slashes do not reach a route", get("//api//symbols", ""), &[404]),
        ("dot segments do not reach a route", get("/livez/../api/symbols", ""), &[400, 404]),
        ("TRACE", b"TRACE /livez HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(), &[405]),
        ("unknown method", b"BREW /livez HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(), &[405]),
        ("CONNECT", b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n".to_vec(), &[400, 405]),
        ("URI of 9 KB", get(&format!("/livez?{}", "a".repeat(9_000)), ""), &[414]),
        ("URI of 70 KB", get(&format!("/livez?{}", "a".repeat(70_000)), ""), &[414]),
        ("head of 17 KB", get("/livez", &format!("X-A: {}\r\n", "a".repeat(17_000))), &[431]),
        ("header of 300 KB", get("/livez", &format!("X-A: {}\r\n", "a".repeat(300_000))), &[431]),
        ("65 headers", get("/livez", &many(64)), &[431]),
        ("150 headers", get("/livez", &many(150)), &[431]),
        ("64 headers are accepted", get("/livez", &many(63)), OK),
        ("a well-formed request is accepted", get("/livez", ""), OK),
    ]
}

#[test]
fn every_probe_gets_the_strict_response() {
    let server = ServerOptions::new().start();
    let mut wrong = Vec::new();
    for (name, bytes, expected) in length_probes().into_iter().chain(head_probes()) {
        let response = first_head(server.address(), &bytes);
        let status = response.status();
        let is_rejected = status.is_some_and(|status| status >= 400);
        if !status.is_some_and(|status| expected.contains(&status)) {
            wrong.push(format!("{name}: {status:?}, not {expected:?}"));
        } else if is_rejected
            && response.header("content-type").as_deref() != Some("application/problem+json")
        {
            wrong.push(format!("{name}: the response is not a problem document"));
        } else if is_rejected && response.header("x-request-id").is_none() {
            wrong.push(format!("{name}: the response has no request id"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_refused_head_is_reported_with_its_path_or_with_a_star() {
    let mut server = ServerOptions::new().start();
    for (bytes, path) in [
        (get("/livez?key=iq_query", "Host: other\r\n"), "/livez"),
        (b"GET /livez\x1b[31m HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(), "*"),
        (get(&format!("/{}", "a".repeat(9_000)), ""), "*"),
    ] {
        let text = exchange(server.address(), &bytes).text();
        let problem: serde_json::Value =
            serde_json::from_str(text.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        assert_eq!(problem["instance"], path, "{text}");
    }
    let log = server.stop_and_read_log();
    for path in ["/livez", "*"] {
        assert!(log.contains(&format!("\"path\":\"{path}\"")), "{log}");
    }
    assert!(!log.contains("iq_query"), "{log}");
}

#[test]
fn a_request_with_an_ambiguous_end_closes_the_connection() {
    let server = ServerOptions::new().start();
    for (name, mut bytes, expected) in length_probes() {
        bytes.extend_from_slice(&get("/livez", ""));
        let response = exchange(server.address(), &bytes);
        assert_eq!(response.statuses(), expected, "{name}: what follows is not read as a request");
        assert!(response.is_closed, "{name}");
    }
}

#[test]
fn responses_come_in_order_and_a_rejected_head_ends_a_pipeline() {
    let server = ServerOptions::new().start();
    let bytes = [get("/livez", ""), get("/nowhere", ""), get("/livez", "Host: other\r\n"), get("/livez", "")]
        .concat();
    let response = exchange(server.address(), &bytes);
    assert_eq!(response.statuses(), [200, 404, 400]);
    assert!(response.is_closed);
}

#[test]
fn an_unfinished_head_times_out() {
    let server = ServerOptions::new().start();
    let address = server.address();
    let beginnings: [&[u8]; 5] =
        [b"", b"P", b"PRI * HTTP/2.0\r\n\r\nSM", b"GET /livez HTTP/1.1\r\nHost: loc", b"GET"];
    let waits =
        beginnings.map(|bytes| std::thread::spawn(move || exchange_within(address, bytes, HEAD_TIMEOUT)));
    for (bytes, wait) in beginnings.iter().zip(waits) {
        let response = wait.join().unwrap();
        assert!(
            response.is_closed,
            "{:?} still open after {:?}",
            String::from_utf8_lossy(bytes),
            response.elapsed
        );
    }
}

#[test]
fn slow_heads_time_out_while_others_are_served() {
    let server = ServerOptions::new().start();
    let address = server.address();
    let slow_clients: Vec<_> = (0..100)
        .map(|_| {
            std::thread::spawn(move || {
                use std::io::{Read, Write};
                let mut stream = std::net::TcpStream::connect(address).unwrap();
                stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
                drop(stream.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"));
                let started = std::time::Instant::now();
                while started.elapsed() < HEAD_TIMEOUT {
                    let written = stream.write_all(b"X-A: b\r\n");
                    let closed = matches!(stream.read(&mut [0; 1024]), Ok(0)) || written.is_err();
                    if closed {
                        return true;
                    }
                    std::thread::sleep(Duration::from_millis(800));
                }
                false
            })
        })
        .collect();
    for _ in 0..20 {
        assert_eq!(exchange(address, &get("/livez", "Connection: close\r\n")).status(), Some(200));
        std::thread::sleep(Duration::from_millis(100));
    }
    let closed =
        slow_clients.into_iter().map(|client| client.join().unwrap()).filter(|closed| *closed).count();
    assert_eq!(closed, 100);
}
