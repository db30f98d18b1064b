//! Bytes on a socket: requests that no HTTP library would send, and answers read as they come.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Longest wait for an answer to bytes that were sent whole, on a machine that has much else to do.
const ANSWER_WAIT: Duration = Duration::from_secs(30);

/// What came back on one connection.
#[derive(Debug)]
pub struct Exchange {
    /// Everything that was read.
    pub bytes: Vec<u8>,
    /// Whether the server closed the connection before enough was read and within the wait.
    pub is_closed: bool,
    /// How long the server took to close, or the whole wait.
    pub took: Duration,
}

impl Exchange {
    /// The first answer's status; `None` when nothing came back.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.statuses().first().copied()
    }

    /// The status of every answer on the connection, in order.
    #[must_use]
    pub fn statuses(&self) -> Vec<u16> {
        let text = self.text();
        text.match_indices("HTTP/1.1 ")
            .filter_map(|(at, line)| text.get(at + line.len()..at + line.len() + 3)?.parse().ok())
            .collect()
    }

    /// A header of the first answer.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let text = self.text();
        let head = text.split("\r\n\r\n").next()?;
        head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }

    /// What was read, as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// Sends bytes and reads until the server closes or the wait is over.
///
/// # Panics
/// When the server cannot be connected to.
#[must_use]
pub fn exchange(address: SocketAddr, bytes: &[u8]) -> Exchange {
    exchange_within(address, bytes, ANSWER_WAIT)
}

/// Sends bytes and reads until the head of an answer is there or the server closes: for one that may keep the connection.
///
/// # Panics
/// When the server cannot be connected to.
#[must_use]
pub fn first_head(address: SocketAddr, bytes: &[u8]) -> Exchange {
    exchange_until(address, bytes, ANSWER_WAIT, |read| read.windows(4).any(|end| end == b"\r\n\r\n"))
}

/// Like [`exchange`], waiting `wait` for the server to close.
///
/// # Panics
/// When the server cannot be connected to.
#[must_use]
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
            return Exchange { bytes: read, is_closed: false, took: started.elapsed() };
        }
        stream.set_read_timeout(Some(left)).expect("a positive timeout is accepted");
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => read.extend_from_slice(&buffer[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    Exchange { bytes: read, is_closed: true, took: started.elapsed() }
}
