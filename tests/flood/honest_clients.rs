//! Clients that send a request now and then, each over a connection of its own, and read the response.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

const TIMEOUT: Duration = Duration::from_secs(30);
const INTERVAL: Duration = Duration::from_millis(100);

/// The durations of all requests of one client, and how many failed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) durations: Vec<Duration>,
    pub(crate) failed: usize,
}

impl Outcome {
    pub(crate) fn extend(&mut self, other: Self) {
        self.durations.extend(other.durations);
        self.failed += other.failed;
    }
}

/// Sends this request from this address until the deadline.
pub(crate) async fn send_until(
    deadline: Instant,
    server: SocketAddr,
    from: Ipv4Addr,
    request: String,
) -> Outcome {
    let mut outcome = Outcome::default();
    while Instant::now() < deadline {
        let started = Instant::now();
        match tokio::time::timeout(TIMEOUT, exchange(server, from, request.as_bytes())).await {
            Ok(Ok(response)) if response.starts_with(b"HTTP/1.1 20") => {
                outcome.durations.push(started.elapsed());
            }
            Ok(_) | Err(_) => outcome.failed += 1,
        }
        tokio::time::sleep(INTERVAL).await;
    }
    outcome
}

/// A whole exchange over a connection of its own.
pub(crate) async fn exchange(server: SocketAddr, from: Ipv4Addr, request: &[u8]) -> std::io::Result<Vec<u8>> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((from, 0)))?;
    let mut stream = socket.connect(server).await?;
    stream.write_all(request).await?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response).await?;
    Ok(response)
}

pub(crate) fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n")
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}
