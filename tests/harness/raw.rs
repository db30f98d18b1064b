//! Bytes on a socket: requests that no HTTP library would send, and responses as they arrive.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Longest wait for a response to a complete request, on a busy machine.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub struct Exchange {
    pub bytes: Vec<u8>,
    /// Whether the server closed the connection before enough was read and within the wait.
    pub is_closed: bool,
    /// How long the server took to close, or the whole wait.
    pub elapsed: Duration,
}

impl Exchange {
    /// The first response's status; `None` when nothing came back.
    pub fn status(&self) -> Option<u16> {
        self.statuses().first().copied()
    }

    /// The status of every response on the connection, in order.
    pub fn statuses(&self) -> Vec<u16> {
        let text = self.text();
        text.match_indices("HTTP/1.1 ")
            .filter_map(|(at, line)| text.get(at + line.len()..at + line.len() + 3)?.parse().ok())
            .collect()
    }

    /// A header of the first response.
    pub fn header(&self, name: &str) -> Option<String> {
        let text = self.text();
        let head = text.split("\r\n\r\n").next()?;
        head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// Sends bytes and reads until the server closes the connection or the timeout expires.
pub fn exchange(address: SocketAddr, bytes: &[u8]) -> Exchange {
    exchange_within(address, bytes, RESPONSE_TIMEOUT)
}

/// Sends bytes and reads until the head of a response is complete or the server closes the connection.
pub fn first_head(address: SocketAddr, bytes: &[u8]) -> Exchange {
    exchange_until(address, bytes, RESPONSE_TIMEOUT, |read| read.windows(4).any(|end| end == b"\r\n\r\n"))
}

/// Like [`exchange`], with this timeout.
pub fn exchange_within(address: SocketAddr, bytes: &[u8], wait: Duration) -> Exchange {
    exchange_until(address, bytes, wait, |_| false)
}

fn exchange_until(
    address: SocketAddr,
    bytes: &[u8],
    wait: Duration,
    is_enough: impl Fn(&[u8]) -> bool,
) -> Exchange {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    // A server that refuses early may close while we still send.
    drop(stream.write_all(bytes));
    let started = Instant::now();
    let mut read = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        let left = wait.saturating_sub(started.elapsed());
        if left.is_zero() || is_enough(&read) {
            return Exchange { bytes: read, is_closed: false, elapsed: started.elapsed() };
        }
        stream.set_read_timeout(Some(left)).expect("a positive timeout is accepted");
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => read.extend_from_slice(&buffer[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    Exchange { bytes: read, is_closed: true, elapsed: started.elapsed() }
}
