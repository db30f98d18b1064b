//! One key that requests large responses over HTTP/2 and opens no window for them.

use std::time::{Duration, Instant};

use tests::ServerOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::honest_clients::runtime;
use crate::silent_readers::{SETTLE, largest_growth};

const KEY: &str = "k7Vn2Qx9LpR4tYw8ZbM3cDf6HjGs5Aa1";
const CONNECTIONS: usize = 8;
const STREAMS: u32 = 100;
/// About 5 MB.
const PATH: &str = "/api/indicators/AAPL?days=20000&names=macd,bbands,stoch,adx,plus_di,minus_di,rsi:14,rsi:15,rsi:16,rsi:17,rsi:18,rsi:19,sma:20,sma:21,sma:22,sma:23,sma:24";

#[derive(Clone, Copy, Debug)]
pub(crate) struct Report {
    pub(crate) requests: usize,
    pub(crate) grown_kib: u64,
    pub(crate) left_kib: u64,
}

pub(crate) fn run(duration: Duration) -> Report {
    let server = ServerOptions::new().set("API_KEYS", KEY).set("RATE_LIMIT_PER_MINUTE", "1000000000").start();
    let before_kib = server.resident_kib();
    let deadline = Instant::now() + duration;
    let address = server.address();
    let (sent, grown_kib) = runtime().block_on(async {
        let connections: Vec<_> =
            (0..CONNECTIONS).map(|_| tokio::spawn(request_all(deadline, address))).collect();
        let grown_kib = largest_growth(deadline, &server, before_kib).await;
        let mut sent = 0;
        for connection in connections {
            sent += connection.await.unwrap();
        }
        (sent, grown_kib)
    });
    assert_eq!(server.get("/livez", &[]).status, 200);
    std::thread::sleep(SETTLE);
    let left_kib = server.resident_kib().saturating_sub(before_kib);
    Report { requests: sent, grown_kib, left_kib }
}

/// Opens one connection after the other, each with many streams, and reads what is no body.
async fn request_all(deadline: Instant, server: std::net::SocketAddr) -> usize {
    let mut sent = 0;
    while Instant::now() < deadline {
        let mut stream = TcpStream::connect(server).await.unwrap();
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        // SETTINGS_INITIAL_WINDOW_SIZE of 0 (RFC 9113 §6.5.2).
        bytes.extend(frame(4, 0, 0, &[0, 4, 0, 0, 0, 0]));
        for at in 0..STREAMS {
            bytes.extend(frame(1, 5, 2 * at + 1, &head()));
        }
        if stream.write_all(&bytes).await.is_ok() {
            sent += STREAMS as usize;
        }
        let mut buffer = [0; 4096];
        let left = deadline.saturating_duration_since(Instant::now());
        let read_all = async { while matches!(stream.read(&mut buffer).await, Ok(1..)) {} };
        drop(tokio::time::timeout(left, read_all).await);
    }
    sent
}

/// Literal fields that are never indexed (RFC 7541 §6.2.3).
fn head() -> Vec<u8> {
    let fields = [
        (":method", "GET"),
        (":scheme", "http"),
        (":path", PATH),
        (":authority", "localhost"),
        ("x-api-key", KEY),
    ];
    fields.iter().flat_map(|(name, value)| [vec![0x10], text(name), text(value)].concat()).collect()
}

/// A length of 7 bits and more (RFC 7541 §5.1), and the bytes.
fn text(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    match text.len().checked_sub(127) {
        None => bytes.push(u8::try_from(text.len()).unwrap()),
        Some(rest) => {
            assert!(rest < 128);
            bytes.extend([127, u8::try_from(rest).unwrap()]);
        }
    }
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, high, middle, low] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let [a, b, c, d] = stream.to_be_bytes();
    [&[high, middle, low, kind, flags, a, b, c, d], payload].concat()
}
