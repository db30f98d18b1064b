//! The stages of the server, from its start to its end.

use std::sync::atomic::{AtomicU8, Ordering};

use strict_http1::Connection;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Serving,
    /// `/readyz` fails, and connections are still accepted.
    Unready,
    /// No connection is accepted.
    Draining,
}

impl Stage {
    const ALL: [Self; 3] = [Self::Serving, Self::Unready, Self::Draining];

    /// Whether the connection ends after its requests in flight. Over HTTP/2 the client learns which requests were not handled, so
    /// that none is lost; over HTTP/1 a response with `Connection: close` tells it, until nothing is accepted any more.
    pub(super) fn ends(self, connection: &Connection) -> bool {
        match self {
            Self::Serving => false,
            Self::Unready => connection.is_http2(),
            Self::Draining => true,
        }
    }
}

/// The stage, which every connection reads.
#[derive(Debug, Default)]
pub(super) struct CurrentStage(AtomicU8);

impl CurrentStage {
    pub(super) fn set(&self, stage: Stage) {
        self.0.store(stage as u8, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> Stage {
        Stage::ALL[usize::from(self.0.load(Ordering::Relaxed))]
    }
}
