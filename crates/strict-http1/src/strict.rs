//! A socket wrapper that passes only valid HTTP/1 messages to hyper.
//!
//! Every head of a connection is checked, on keep-alive and pipelined connections too, because each body is followed to its
//! end. Valid streams are not copied. A rejected head is replaced by a small fixed one, so that the usual layers make the
//! response, in order; it closes the connection. A body with malformed chunks ends in a read error. HTTP/2 is not checked,
//! because hyper's framing is strict there.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::chunks::{Chunks, Outcome};
use crate::head::{Progress, Scan, readable_path, validate};
use crate::linger::{Discarded, Linger};
use crate::rules::Body;
use crate::{Connection, HeadError, REJECTED_METHOD};

/// The first bytes of an HTTP/2 client (RFC 9113 §3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Bytes that are read to learn the version: the preface, or most heads.
const FIRST_BYTES: usize = 1024;

/// The error at the end of a body with malformed chunks.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("malformed chunk in request body")]
struct InvalidChunks;

/// A socket whose input is checked.
#[derive(Debug)]
pub struct StrictHttp1<S> {
    socket: S,
    connection: Arc<Connection>,
    phase: Phase,
    partial_head: Vec<u8>,
    /// Checked bytes that hyper has not read yet, from `checked_at` on.
    checked_bytes: Vec<u8>,
    checked_at: usize,
    discarded: Discarded,
    linger: Option<Linger>,
    reset: Option<fn(&S)>,
}

/// The part of the stream that the next byte belongs to.
#[derive(Clone, Copy, Debug)]
enum Phase {
    Start,
    Http2,
    Head(Scan),
    Body { remaining: u64 },
    Chunks(Chunks),
    Rejected,
    Broken,
}

/// The action after the allowed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    ReadOn,
    WaitForHead,
    Reject(HeadError),
    Break,
}

impl<S> StrictHttp1<S> {
    /// Checks the input of `socket` and reports to `connection`.
    pub fn new(socket: S, connection: Arc<Connection>) -> Self {
        Self {
            socket,
            connection,
            phase: Phase::Start,
            partial_head: Vec::new(),
            checked_bytes: Vec::new(),
            checked_at: 0,
            discarded: Discarded::default(),
            linger: None,
            reset: None,
        }
    }

    /// Calls `reset` before a socket is dropped whose client does not read. Otherwise the system would keep the bytes that wait for
    /// the client, for minutes.
    #[must_use]
    pub fn reset_if_unread(mut self, reset: fn(&S)) -> Self {
        self.reset = Some(reset);
        self
    }

    /// Whether the client speaks HTTP/2, as soon as the first bytes tell. They are kept for the next read.
    ///
    /// # Errors
    /// As reading the socket.
    pub async fn is_http2(&mut self) -> io::Result<bool>
    where
        S: AsyncRead + Unpin,
    {
        poll_fn(|context| {
            let mut bytes = [MaybeUninit::uninit(); FIRST_BYTES];
            let mut first = ReadBuf::uninit(&mut bytes);
            ready!(Pin::new(&mut *self).poll_read(context, &mut first))?;
            self.checked_bytes.drain(..self.checked_at);
            self.checked_bytes.splice(..0, first.filled().iter().copied());
            self.checked_at = 0;
            Poll::Ready(Ok(self.connection.is_http2()))
        })
        .await
    }

    /// Scans new bytes, or a partial head followed by new bytes; returns the number of allowed bytes.
    fn scan(&mut self, bytes: &[u8]) -> (usize, Next) {
        let mut at = 0;
        loop {
            let rest = &bytes[at..];
            if rest.is_empty() {
                return (at, Next::ReadOn);
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
                        return (at, Next::WaitForHead);
                    }
                }
                Phase::Head(scan) => match scan.advance(rest) {
                    Progress::Incomplete => return (at, Next::WaitForHead),
                    Progress::Rejected(error) => return (at, Next::Reject(error)),
                    Progress::Complete(length) => match validate(&rest[..length]) {
                        Err(error) => return (at, Next::Reject(error)),
                        Ok(body) => {
                            self.phase = Phase::after_head(body);
                            at += length;
                        }
                    },
                },
                Phase::Body { remaining } => {
                    let length = usize::try_from(*remaining).unwrap_or(usize::MAX).min(rest.len());
                    *remaining -= length as u64;
                    at += length;
                    if *remaining == 0 {
                        self.phase = Phase::Head(Scan::default());
                    }
                }
                Phase::Chunks(chunks) => {
                    let (length, outcome) = chunks.advance(rest);
                    at += length;
                    match outcome {
                        Outcome::More => return (at, Next::ReadOn),
                        Outcome::Done => self.phase = Phase::Head(Scan::default()),
                        Outcome::Invalid => return (at, Next::Break),
                    }
                }
                Phase::Http2 => return (bytes.len(), Next::ReadOn),
                Phase::Rejected | Phase::Broken => return (at, Next::ReadOn),
            }
        }
    }

    /// Checks the new bytes of `buffer` from `start` on, and keeps only the allowed ones.
    fn check(&mut self, buffer: &mut ReadBuf<'_>, start: usize) {
        let fresh = buffer.filled().get(start..).unwrap_or_default();
        let next = if self.partial_head.is_empty() {
            let (length, next) = self.scan(fresh);
            if next == Next::WaitForHead {
                self.partial_head.extend_from_slice(&fresh[length..]);
            }
            if let Next::Reject(error) = next {
                self.reject(error, &fresh[length..]);
            }
            buffer.set_filled(start + length);
            next
        } else {
            self.partial_head.extend_from_slice(fresh);
            buffer.set_filled(start);
            let mut head = std::mem::take(&mut self.partial_head);
            let (length, next) = self.scan(&head);
            self.checked_bytes.extend_from_slice(&head[..length]);
            head.drain(..length);
            if let Next::Reject(error) = next {
                self.reject(error, &head);
            }
            if length > 0 {
                self.connection.note_whole_head();
            }
            if next == Next::WaitForHead {
                self.partial_head = head;
            }
            next
        };
        match next {
            Next::ReadOn | Next::Reject(_) => {}
            Next::WaitForHead => self.connection.note_partial_head(),
            Next::Break => self.phase = Phase::Broken,
        }
    }

    /// Replaces a head by one with the same path, for the log and the response.
    fn reject(&mut self, error: HeadError, head: &[u8]) {
        self.phase = Phase::Rejected;
        self.connection.reject(error);
        self.checked_bytes.extend_from_slice(REJECTED_METHOD.as_bytes());
        self.checked_bytes.push(b' ');
        self.checked_bytes.extend_from_slice(readable_path(head));
        self.checked_bytes.extend_from_slice(b" HTTP/1.1\r\nhost: rejected\r\nconnection: close\r\n\r\n");
    }

    /// Moves checked bytes into `buffer`; returns whether there were any.
    fn read_checked(&mut self, buffer: &mut ReadBuf<'_>) -> bool {
        let waiting = self.checked_bytes.get(self.checked_at..).unwrap_or_default();
        let length = waiting.len().min(buffer.remaining());
        buffer.put_slice(&waiting[..length]);
        self.checked_at += length;
        if self.checked_at == self.checked_bytes.len() {
            self.checked_bytes.clear();
            self.checked_at = 0;
        }
        length > 0
    }

    fn note_write(&self, write: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match write {
            Poll::Ready(_) => self.connection.note_write(),
            Poll::Pending => self.connection.note_blocked_write(),
        }
        write
    }

    /// Whether the client may still be sending bytes that will not be read.
    fn is_mid_message(&self) -> bool {
        match self.phase {
            Phase::Body { .. } | Phase::Chunks(_) | Phase::Rejected | Phase::Broken => true,
            Phase::Start | Phase::Http2 | Phase::Head(_) => false,
        }
    }
}

impl Phase {
    fn after_head(body: Body) -> Self {
        match body {
            Body::Length(0) => Self::Head(Scan::default()),
            Body::Length(remaining) => Self::Body { remaining },
            Body::Chunked => Self::Chunks(Chunks::START),
        }
    }
}

impl<S> Drop for StrictHttp1<S> {
    fn drop(&mut self) {
        if let Some(reset) = self.reset.filter(|_| self.connection.is_blocked()) {
            reset(&self.socket);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for StrictHttp1<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            if this.read_checked(buffer) {
                return Poll::Ready(Ok(()));
            }
            match this.phase {
                Phase::Broken => {
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, InvalidChunks)));
                }
                // The response closes the connection. An end of input now would make hyper abandon it.
                Phase::Rejected => {
                    let _stopped = this.discarded.poll_more(&mut this.socket, context);
                    return Poll::Pending;
                }
                Phase::Http2 => return Pin::new(&mut this.socket).poll_read(context, buffer),
                Phase::Start | Phase::Head(_) | Phase::Body { .. } | Phase::Chunks(_) => {}
            }
            let start = buffer.filled().len();
            ready!(Pin::new(&mut this.socket).poll_read(context, buffer))?;
            if buffer.filled().len() == start {
                return Poll::Ready(Ok(()));
            }
            this.check(buffer, start);
            if buffer.filled().len() > start {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for StrictHttp1<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let write = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.note_write(write)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let write = Pin::new(&mut self.socket).poll_write_vectored(context, slices);
        self.note_write(write)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.linger.is_none() {
            ready!(Pin::new(&mut this.socket).poll_shutdown(context))?;
            this.linger = if this.is_mid_message() { Linger::start() } else { None };
        }
        match &mut this.linger {
            Some(linger) => linger.poll(&mut this.discarded, &mut this.socket, context).map(Ok),
            None => Poll::Ready(Ok(())),
        }
    }
}

#[cfg(test)]
mod tests;
