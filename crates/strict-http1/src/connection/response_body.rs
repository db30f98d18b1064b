//! A response body that its client takes in parts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::Connection;

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
    /// A body of which nothing was taken.
    #[must_use]
    pub fn new(connection: &Arc<Connection>) -> Self {
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        connection.unread().push((id, connection.elapsed_us()));
        Self { connection: Arc::clone(connection), id }
    }

    /// Notes that the client took a part.
    pub fn note_progress(&self) {
        let now_us = self.connection.elapsed_us();
        let mut unread = self.connection.unread();
        if let Some((_, taken_us)) = unread.iter_mut().find(|(id, _)| *id == self.id) {
            *taken_us = now_us;
        }
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        self.connection.unread().retain(|(id, _)| *id != self.id);
    }
}
