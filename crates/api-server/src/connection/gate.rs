//! Stands between the socket and hyper and lets only sound HTTP/1 messages through.
//!
//! Every head of a connection is read here first, also on keep-alive and pipelined connections, because the gate
//! follows each body to its end. A sound stream passes without being copied. When a head is refused, hyper is handed a
//! small head of ours in its place: the answer is then made by the same layers as every other one, in its turn, and
//! closes the connection. A body whose chunks make no sense ends in a read error. HTTP/2 passes untouched: hyper's
//! framing is strict there.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::chunks::{Chunks, Outcome};
use super::head::{Body, Progress, Scan, judge};
use super::linger::{Dropped, Linger};
use super::{Connection, REFUSED_METHOD, Refusal};

/// What a client that speaks HTTP/2 sends first (RFC 9113 §3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The error with which a body of invalid chunks ends.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the chunks of the body are malformed")]
pub struct InvalidChunks;

/// A socket whose input is checked.
#[derive(Debug)]
pub struct Gate<S> {
    socket: S,
    connection: Arc<Connection>,
    phase: Phase,
    /// A head that is not complete yet.
    held: Vec<u8>,
    /// Checked bytes that hyper has not taken yet, from `ready_at` on.
    ready: Vec<u8>,
    ready_at: usize,
    dropped: Dropped,
    linger: Option<Linger>,
}

/// What the next byte of the stream belongs to.
#[derive(Clone, Copy, Debug)]
enum Phase {
    Start,
    Http2,
    Head(Scan),
    Body { left: u64 },
    Chunks(Chunks),
    Refused,
    Broken,
}

/// What is to be done after the bytes that may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    ReadOn,
    Hold,
    Refuse(Refusal),
    Break,
}

impl<S> Gate<S> {
    /// A gate before this socket; verdicts go to the connection.
    pub fn new(socket: S, connection: Arc<Connection>) -> Self {
        Self {
            socket,
            connection,
            phase: Phase::Start,
            held: Vec::new(),
            ready: Vec::new(),
            ready_at: 0,
            dropped: Dropped::default(),
            linger: None,
        }
    }

    /// Goes over new bytes, or over a held head with new bytes behind it; returns how many may pass.
    fn scan(&mut self, bytes: &[u8]) -> (usize, Then) {
        let mut at = 0;
        loop {
            let rest = &bytes[at..];
            if rest.is_empty() {
                return (at, Then::ReadOn);
            }
            match &mut self.phase {
                Phase::Start => {
                    let common = rest.len().min(HTTP2_PREFACE.len());
                    if rest[..common] != HTTP2_PREFACE[..common] {
                        self.phase = Phase::Head(Scan::default());
                    } else if common == HTTP2_PREFACE.len() {
                        self.phase = Phase::Http2;
                        self.connection.note_http2();
                    } else {
                        return (at, Then::Hold);
                    }
                }
                Phase::Head(scan) => match scan.advance(rest) {
                    Progress::More => return (at, Then::Hold),
                    Progress::Refused(refusal) => return (at, Then::Refuse(refusal)),
                    Progress::Complete(length) => match judge(&rest[..length]) {
                        Err(refusal) => return (at, Then::Refuse(refusal)),
                        Ok(body) => {
                            self.phase = Phase::after_head(body);
                            at += length;
                        }
                    },
                },
                Phase::Body { left } => {
                    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    *left -= taken as u64;
                    at += taken;
                    if *left == 0 {
                        self.phase = Phase::Head(Scan::default());
                    }
                }
                Phase::Chunks(chunks) => {
                    let (taken, outcome) = chunks.advance(rest);
                    at += taken;
                    match outcome {
                        Outcome::More => return (at, Then::ReadOn),
                        Outcome::Done => self.phase = Phase::Head(Scan::default()),
                        Outcome::Invalid => return (at, Then::Break),
                    }
                }
                Phase::Http2 => return (bytes.len(), Then::ReadOn),
                Phase::Refused | Phase::Broken => return (at, Then::ReadOn),
            }
        }
    }

    /// Checks the bytes that were just read into `buffer` from `start` on, and leaves there only what may pass.
    fn check(&mut self, buffer: &mut ReadBuf<'_>, start: usize) {
        let fresh = buffer.filled().get(start..).unwrap_or_default();
        let then = if self.held.is_empty() {
            let (passed, then) = self.scan(fresh);
            if then == Then::Hold {
                self.held.extend_from_slice(&fresh[passed..]);
            }
            buffer.set_filled(start + passed);
            then
        } else {
            self.held.extend_from_slice(fresh);
            buffer.set_filled(start);
            let mut held = std::mem::take(&mut self.held);
            let (passed, then) = self.scan(&held);
            self.ready.extend_from_slice(&held[..passed]);
            held.drain(..passed);
            if then == Then::Hold {
                self.held = held;
            }
            then
        };
        match then {
            Then::ReadOn | Then::Hold => {}
            Then::Break => self.phase = Phase::Broken,
            Then::Refuse(refusal) => self.refuse(refusal),
        }
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.phase = Phase::Refused;
        self.connection.refuse(refusal);
        self.ready.extend_from_slice(REFUSED_METHOD.as_bytes());
        self.ready.extend_from_slice(b" / HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n");
    }

    /// Hands out checked bytes that are waiting; whether there were any.
    fn take_ready(&mut self, buffer: &mut ReadBuf<'_>) -> bool {
        let waiting = self.ready.get(self.ready_at..).unwrap_or_default();
        let taken = waiting.len().min(buffer.remaining());
        buffer.put_slice(&waiting[..taken]);
        self.ready_at += taken;
        if self.ready_at == self.ready.len() {
            self.ready.clear();
            self.ready_at = 0;
        }
        taken > 0
    }

    /// Lets the connection know how a write went.
    fn note(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(_) => self.connection.note_write(),
            Poll::Pending => self.connection.note_blocked_write(),
        }
        written
    }

    /// Whether the client may still be sending something that nobody is going to read.
    fn is_mid_message(&self) -> bool {
        match self.phase {
            Phase::Body { .. } | Phase::Chunks(_) | Phase::Refused | Phase::Broken => true,
            Phase::Start | Phase::Http2 | Phase::Head(_) => false,
        }
    }
}

impl Phase {
    fn after_head(body: Body) -> Self {
        match body {
            Body::Length(0) => Self::Head(Scan::default()),
            Body::Length(left) => Self::Body { left },
            Body::Chunked => Self::Chunks(Chunks::START),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gate<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            if gate.take_ready(buffer) {
                return Poll::Ready(Ok(()));
            }
            match gate.phase {
                Phase::Broken => {
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, InvalidChunks)));
                }
                // The answer is on its way and closes the connection. An end of input would make hyper abandon it.
                Phase::Refused => {
                    let _stopped = gate.dropped.poll_more(&mut gate.socket, context);
                    return Poll::Pending;
                }
                Phase::Http2 => return Pin::new(&mut gate.socket).poll_read(context, buffer),
                Phase::Start | Phase::Head(_) | Phase::Body { .. } | Phase::Chunks(_) => {}
            }
            let start = buffer.filled().len();
            ready!(Pin::new(&mut gate.socket).poll_read(context, buffer))?;
            if buffer.filled().len() == start {
                return Poll::Ready(Ok(()));
            }
            gate.check(buffer, start);
            if buffer.filled().len() > start {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Gate<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(context, slices);
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        if gate.linger.is_none() {
            ready!(Pin::new(&mut gate.socket).poll_shutdown(context))?;
            gate.linger = if gate.is_mid_message() { Linger::begin() } else { None };
        }
        match &mut gate.linger {
            Some(linger) => linger.poll(&mut gate.dropped, &mut gate.socket, context).map(Ok),
            None => Poll::Ready(Ok(())),
        }
    }
}

#[cfg(test)]
mod tests;
