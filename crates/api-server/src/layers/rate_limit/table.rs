//! Arrival times by network in a table of fixed size.
//!
//! Each network has four places. When all are taken by others, the one that has been idle longest gives way, so that
//! somebody with endless addresses displaces only clients that did not use their limit.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use governor::nanos::Nanos;
use governor::state::StateStore;

use crate::client_address::Network;

/// Sets of four: 65,536 places in about 1 MiB.
const SETS: usize = 16_384;
/// Sets of a small table: 4,096 places.
const SMALL_SETS: usize = 1024;
/// Places that a network can be in.
const WAYS: usize = 4;

/// A place is free while its tag is zero.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    tag: u64,
    arrival: u64,
}

/// The state of a limiter.
#[derive(Debug)]
pub(super) struct Table {
    // Keyed with a secret, or a client could choose addresses that share a set.
    hasher: RandomState,
    sets: Box<[Mutex<[Slot; WAYS]>]>,
}

impl Table {
    pub(super) fn new() -> Self {
        Self::with_sets(SETS)
    }

    /// A table for few clients.
    pub(super) fn small() -> Self {
        Self::with_sets(SMALL_SETS)
    }

    fn with_sets(count: usize) -> Self {
        Self { hasher: RandomState::new(), sets: (0..count).map(|_| Mutex::default()).collect() }
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
        // The low bits choose the set, the tag is nearly all of the hash: two networks are taken for one only when
        // both agree, once in 2^63.
        let set = usize::try_from(hash >> 1).unwrap_or(usize::MAX) % self.sets.len();
        let mut slots = self.sets[set].lock().unwrap_or_else(PoisonError::into_inner);
        let known = slots.iter().position(|slot| slot.tag == tag);
        let before = known.map(|place| Nanos::new(slots[place].arrival));
        let (value, arrival) = decide(before)?;
        let place = known.unwrap_or_else(|| idlest(&slots));
        slots[place] = Slot { tag, arrival: arrival.as_u64() };
        Ok(value)
    }
}

/// The free place, or else that of the earliest arrival time.
fn idlest(slots: &[Slot; WAYS]) -> usize {
    let by_arrival = |(_, slot): &(usize, &Slot)| (slot.tag != 0, slot.arrival);
    slots.iter().enumerate().min_by_key(by_arrival).map_or(0, |(place, _)| place)
}
