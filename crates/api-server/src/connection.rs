//! What happens between a socket and HTTP: strict framing, connection caps, and what a connection knows of itself.
//!
//! hyper is lenient where RFC 9112 allows it; a service behind a proxy cannot be, because two readers that disagree
//! about where a message ends is request smuggling. The [`Gate`] therefore reads every HTTP/1 head before hyper does.

mod caps;
mod chunks;
mod gate;
mod head;
mod linger;
mod refusal;

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

pub use caps::{Caps, Over, Slot};
pub use gate::{Gate, InvalidChunks};
pub use head::{HEAD_BYTES_MAX, HEADERS_MAX, TARGET_BYTES_MAX};
pub use refusal::Refusal;

/// The method of the head that the [`Gate`] hands to hyper in the place of one that it refused. No client can send
/// it: over HTTP/1 the gate refuses it, and over HTTP/2 there is no verdict to go with it.
pub const REFUSED_METHOD: &str = "X-REFUSED";

/// What one connection knows of itself, shared between its gate, its deadline and its requests.
#[derive(Debug)]
pub struct Connection {
    peer: SocketAddr,
    verdict: OnceLock<Refusal>,
    has_asked: AtomicBool,
}

impl Connection {
    /// A connection from this address that has said nothing yet.
    #[must_use]
    pub fn new(peer: SocketAddr) -> Self {
        Self { peer, verdict: OnceLock::new(), has_asked: AtomicBool::new(false) }
    }

    /// The address of the other end of the socket, which may be a proxy.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Why the gate refused the connection's last head.
    #[must_use]
    pub fn verdict(&self) -> Option<Refusal> {
        self.verdict.get().copied()
    }

    /// Whether a whole request was ever read from it.
    #[must_use]
    pub fn has_asked(&self) -> bool {
        self.has_asked.load(Ordering::Relaxed)
    }

    /// Notes that a whole request was read.
    pub fn note_request(&self) {
        // A plain load first: the store would make the line exclusive on every request.
        if !self.has_asked() {
            self.has_asked.store(true, Ordering::Relaxed);
        }
    }

    fn refuse(&self, refusal: Refusal) {
        // A gate refuses once: nothing is read after it.
        let _first = self.verdict.set(refusal);
    }
}
