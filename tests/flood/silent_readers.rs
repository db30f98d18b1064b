//! Thousands of clients that send requests and read no response, from 30 addresses and without a key.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use tests::{Server, ServerOptions};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};

use crate::honest_clients::{Outcome, get, runtime, send_until};

const ADDRESSES: u8 = 30;
const CONNECTIONS_PER_ADDRESS: usize = 137;
/// Bytes that the system of a silent client takes.
const RECEIVE_BUFFER_BYTES: u32 = 4096;
/// After which a silent client opens another connection.
const RECONNECT_AFTER: Duration = Duration::from_secs(7);
const HONEST_CLIENTS: u8 = 10;
/// After which memory is given back: the allocator keeps free pages for ten seconds.
pub(crate) const SETTLE: Duration = Duration::from_secs(12);
/// Pipelined: more bytes than the system keeps for a connection.
const REQUESTS: usize = 2;

#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) silent: usize,
    pub(crate) failed_probes: usize,
    pub(crate) failed_requests: usize,
    pub(crate) probes: Vec<Duration>,
    pub(crate) requests: Vec<Duration>,
    /// Resident memory over that before, at most, and [`SETTLE`] after the last of them.
    pub(crate) grown_kib: u64,
    pub(crate) left_kib: u64,
}

pub(crate) fn run(duration: Duration) -> Report {
    let server = ServerOptions::new().set("RATE_LIMIT_PER_MINUTE", "1000000000").start();
    let address = server.address();
    server.get("/openapi.json", &[]);
    let before_kib = server.resident_kib();
    let deadline = Instant::now() + duration;
    let (silent, probes, requests, grown_kib) = runtime().block_on(async {
        let silent = (1..=ADDRESSES)
            .flat_map(|at| (0..CONNECTIONS_PER_ADDRESS).map(move |number| (at, number)))
            .map(|(at, number)| {
                // One after the other, because a burst of connects would measure the cores that the clients use.
                let wait = RECONNECT_AFTER.mul_f64(number as f64 / CONNECTIONS_PER_ADDRESS as f64);
                tokio::spawn(stay_silent(deadline, wait, address, Ipv4Addr::new(127, 0, 1, at)))
            });
        let silent: Vec<_> = silent.collect();
        let probe = |at| send_until(deadline, address, Ipv4Addr::new(127, 0, 0, at), get("/livez", ""));
        let request =
            |at| send_until(deadline, address, Ipv4Addr::new(127, 0, 2, at), get("/api/symbols", ""));
        let probes = tokio::spawn(probe(1));
        let requests: Vec<_> = (1..=HONEST_CLIENTS).map(|at| tokio::spawn(request(at))).collect();
        let grown_kib = largest_growth(deadline, &server, before_kib).await;
        let mut all = Outcome::default();
        for request in requests {
            all.extend(request.await.unwrap());
        }
        let mut connected = 0;
        for client in silent {
            connected += usize::from(client.await.unwrap());
        }
        (connected, probes.await.unwrap(), all, grown_kib)
    });
    std::thread::sleep(SETTLE);
    Report {
        silent,
        failed_probes: probes.failed,
        failed_requests: requests.failed,
        probes: probes.durations,
        requests: requests.durations,
        grown_kib,
        left_kib: server.resident_kib().saturating_sub(before_kib),
    }
}

pub(crate) async fn largest_growth(deadline: Instant, server: &Server, before_kib: u64) -> u64 {
    let mut largest = 0;
    while Instant::now() < deadline {
        largest = largest.max(server.resident_kib().saturating_sub(before_kib));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    largest
}

/// Whether it was connected once.
async fn stay_silent(deadline: Instant, wait: Duration, server: SocketAddr, from: Ipv4Addr) -> bool {
    tokio::time::sleep(wait).await;
    let mut was_connected = false;
    while Instant::now() < deadline {
        let stream = connect(server, from).await;
        was_connected |= stream.is_ok();
        let left = deadline.saturating_duration_since(Instant::now());
        tokio::time::sleep(left.min(RECONNECT_AFTER)).await;
    }
    was_connected
}

async fn connect(server: SocketAddr, from: Ipv4Addr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES)?;
    socket.bind(SocketAddr::from((from, 0)))?;
    let mut stream = socket.connect(server).await?;
    let requests = "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(REQUESTS);
    stream.write_all(requests.as_bytes()).await?;
    Ok(stream)
}
