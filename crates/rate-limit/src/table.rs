//! Arrival times by network in a table of fixed size.
//!
//! Each network can use four slots. When all are used by others, the longest idle one is evicted, so that a client with many
//! addresses displaces only clients that do not use their limit.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use governor::nanos::Nanos;
use governor::state::StateStore;

use crate::Network;

/// Slots that a network can use.
const WAYS: usize = 4;

/// The number of networks in a table.
#[derive(Clone, Copy, Debug)]
pub enum Capacity {
    /// 65,536 networks in about 1 MiB.
    ManyClients,
    /// 4,096 networks.
    FewClients,
}

/// A slot is free while its tag is zero.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    tag: u64,
    arrival: u64,
}

/// The state of a limiter.
#[derive(Debug)]
pub(crate) struct Table {
    // Keyed with a secret, so that clients cannot choose addresses that share a set.
    hasher: RandomState,
    sets: Box<[Mutex<[Slot; WAYS]>]>,
}

impl Table {
    pub(crate) fn new(capacity: Capacity) -> Self {
        let sets = match capacity {
            Capacity::ManyClients => 16_384,
            Capacity::FewClients => 1024,
        };
        Self { hasher: RandomState::new(), sets: (0..sets).map(|_| Mutex::default()).collect() }
    }
}

impl StateStore for Table {
    type Key = Network;

    fn measure_and_replace<T, F, E>(&self, network: &Network, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let hash = self.hasher.hash_one(network.to_bits());
        let tag = hash | 1;
        // The tag is nearly the whole hash: two networks are confused with a probability of 2^-63.
        let set = usize::try_from(hash >> 1).unwrap_or(usize::MAX) % self.sets.len();
        let mut slots = self.sets[set].lock().unwrap_or_else(PoisonError::into_inner);
        let existing = slots.iter().position(|slot| slot.tag == tag);
        let before = existing.map(|index| Nanos::new(slots[index].arrival));
        let (value, arrival) = decide(before)?;
        let index = existing.unwrap_or_else(|| idlest(&slots));
        slots[index] = Slot { tag, arrival: arrival.as_u64() };
        Ok(value)
    }
}

/// A free slot, or the slot with the earliest arrival time.
fn idlest(slots: &[Slot; WAYS]) -> usize {
    let by_arrival = |(_, slot): &(usize, &Slot)| (slot.tag != 0, slot.arrival);
    slots.iter().enumerate().min_by_key(by_arrival).map_or(0, |(index, _)| index)
}
