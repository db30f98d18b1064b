//! The networks that used a key lately: a fixed number of hashes, noted without a lock or an allocation.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Networks that are remembered for a key.
const NETWORKS_MAX: usize = 8;

/// What a use of a key means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// The key was not used before.
    First,
    /// This network did not use it lately.
    NewNetwork,
    /// This network used it lately.
    Known,
}

/// The networks that used a key since the start of the server.
#[derive(Debug, Default)]
pub struct NetworksSeen {
    /// Hashes of networks; 0 is free.
    slots: [AtomicU64; NETWORKS_MAX],
    replaced: AtomicUsize,
}

impl NetworksSeen {
    /// Notes a use from a network with these bits. Concurrent first uses may count the same network twice.
    pub fn note(&self, network: u128) -> Sighting {
        let hash = fold(network);
        for (index, slot) in self.slots.iter().enumerate() {
            let stored = slot.load(Ordering::Relaxed);
            if stored == hash {
                return Sighting::Known;
            }
            if stored == 0 && slot.compare_exchange(0, hash, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                return if index == 0 { Sighting::First } else { Sighting::NewNetwork };
            }
        }
        let oldest = self.replaced.fetch_add(1, Ordering::Relaxed) % NETWORKS_MAX;
        self.slots[oldest].store(hash, Ordering::Relaxed);
        Sighting::NewNetwork
    }
}

/// Never 0. Networks that share a hash count as one, which a holder of the key could arrange; others gain nothing by it.
fn fold(network: u128) -> u64 {
    // 2^128 divided by the golden ratio, as in Knuth's multiplicative hashing (TAOCP 3, 6.4).
    const ODD: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
    u64::try_from(network.wrapping_mul(ODD) >> 64).unwrap_or(u64::MAX) | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_first_used_once_and_a_network_is_new_until_it_is_noted() {
        let seen = NetworksSeen::default();
        assert_eq!([1, 1, 2, 2, 1].map(|network| seen.note(network)), {
            use Sighting::{First, Known, NewNetwork};
            [First, Known, NewNetwork, Known, Known]
        });
    }

    #[test]
    fn a_key_remembers_a_fixed_number_of_networks() {
        let seen = NetworksSeen::default();
        let new = (0..100_u128).filter(|network| seen.note(network << 64) != Sighting::Known).count();
        assert_eq!(new, 100);
        let known = (0..100_u128).filter(|network| seen.note(network << 64) == Sighting::Known).count();
        assert!(known <= NETWORKS_MAX, "{known}");
    }
}
