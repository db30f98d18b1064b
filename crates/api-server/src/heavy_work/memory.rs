//! Reserved memory of bodies and responses.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Share;

/// Kibibytes, rounded up: semaphores count in 32 bits.
pub(super) fn kib(bytes: usize) -> usize {
    bytes.div_ceil(1024)
}

/// Memory of one caller; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    of_caller: OwnedSemaphorePermit,
    of_all: OwnedSemaphorePermit,
    // Otherwise the next request of the caller would begin with a new share.
    _share: Arc<Share>,
}

impl Reservation {
    /// Waits for memory of this caller, then for memory of the process, in the order of all who wait for it.
    pub(super) async fn acquire(share: Arc<Share>, all: &Arc<Semaphore>, bytes: usize) -> Self {
        let kib = u32::try_from(kib(bytes.min(super::CALLER_BYTES_MAX))).unwrap_or(u32::MAX);
        let acquire = async |memory: &Arc<Semaphore>| {
            Arc::clone(memory).acquire_many_owned(kib).await.expect("semaphores of memory are never closed")
        };
        Self { of_caller: acquire(&share.memory).await, of_all: acquire(all).await, _share: share }
    }

    /// The same bytes, whose memory stays reserved as long as any part of them exists.
    pub(crate) fn hold(mut self, bytes: Bytes) -> Bytes {
        let unused = self.of_all.num_permits().saturating_sub(kib(bytes.len()));
        drop((self.of_caller.split(unused), self.of_all.split(unused)));
        Bytes::from_owner(Held { bytes, _reservation: self })
    }
}

/// Bytes with their reservation.
struct Held {
    bytes: Bytes,
    _reservation: Reservation,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
