//! The state of one limit on this replica, and its name in Redis.

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rate_limit::shared::SharedLimit;
use tokio::sync::Notify;

/// Parts of the keys in Redis: in a cluster, a command has keys of one part only.
const PARTS: u64 = 16;

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Id {
    /// The requests with one API key.
    Key(u64),
    /// Those of a network, by the name of the limit and the tier.
    Network(&'static str, usize, u128),
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub(super) id: Id,
    state: Mutex<SharedLimit>,
    pub(super) is_active: AtomicBool,
    /// An answer has arrived, or a command failed.
    pub(super) is_answered: Notify,
}

impl Entry {
    pub(super) fn new(id: Id, state: SharedLimit) -> Self {
        let (is_active, is_answered) = (AtomicBool::new(false), Notify::new());
        Self { id, state: Mutex::new(state), is_active, is_answered }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, SharedLimit> {
        lock(&self.state)
    }
}

impl Id {
    /// A number that is the same on every replica.
    pub(super) fn number(self) -> u64 {
        match self {
            Self::Key(id) => id,
            // The last bits of an IPv4 address, and the first ones of an IPv6 network.
            Self::Network(_, _, network) => {
                let folded = network ^ (network >> 64);
                let bytes = folded.to_le_bytes();
                bytes.iter().fold(0, |number: u64, byte| number.wrapping_mul(31).wrapping_add((*byte).into()))
            }
        }
    }

    pub(super) fn part(self) -> u64 {
        self.number() % PARTS
    }

    /// The name of the limit in Redis. Keys of one part are in one slot of a cluster.
    pub(super) fn key(self) -> String {
        let part = self.part();
        match self {
            Self::Key(id) => format!("investiq:limit:{{{part}}}:key:{id:016x}"),
            Self::Network(name, tier, network) => {
                format!("investiq:limit:{{{part}}}:{name}:{tier}:{network:032x}")
            }
        }
    }

    pub(super) fn is_network(self) -> bool {
        matches!(self, Self::Network(..))
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
