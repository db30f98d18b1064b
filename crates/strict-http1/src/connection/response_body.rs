//! A response body that its client takes in parts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::Notify;

use super::Connection;

/// What a connection knows of a body.
#[derive(Debug)]
pub(super) struct Unread {
    id: u32,
    /// Microseconds from the start of the connection to the last part that the client took.
    pub(super) taken_us: u64,
    /// Ends its stream.
    pub(super) end: Option<Arc<Notify>>,
}

/// A body of which the client has not taken everything; dropped when it has. HTTP/2 takes no part of a body while the client gives
/// its stream no room, although the socket has some.
#[derive(Debug)]
pub struct ResponseBody {
    connection: Arc<Connection>,
    id: u32,
}

/// Distinguishes the bodies of one connection.
static NEXT_ID: AtomicU32 = AtomicU32::new(0);

impl ResponseBody {
    /// A body of which nothing was taken. `end` ends its stream, over HTTP/2.
    #[must_use]
    pub fn new(connection: &Arc<Connection>, end: Option<Arc<Notify>>) -> Self {
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        connection.unread().push(Unread { id, taken_us: connection.elapsed_us(), end });
        Self { connection: Arc::clone(connection), id }
    }

    /// Notes that the client took a part.
    pub fn note_progress(&self) {
        let now_us = self.connection.elapsed_us();
        let mut unread = self.connection.unread();
        if let Some(body) = unread.iter_mut().find(|body| body.id == self.id) {
            body.taken_us = now_us;
        }
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        self.connection.unread().retain(|body| body.id != self.id);
    }
}
