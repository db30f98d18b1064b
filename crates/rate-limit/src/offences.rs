//! Counts what clients do that ordinary clients do not, until it is enough for a ban.
//!
//! Only repetition with *different* keys or paths counts where an ordinary client repeats itself: a device with an old key sends the
//! same one for months, and must not ban everybody behind its address. The table has a fixed size and evicts the network that was
//! idle longest.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::Network;

/// Sets of [`WAYS`] networks: 16,384 networks in about 2 MiB.
const SETS: usize = 4096;
const WAYS: usize = 4;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offence {
    /// An API key that is not valid; a missing one does not count.
    WrongKey,
    /// A path that does not exist, or a method that it does not have.
    UnmatchedPath,
    /// A request head that is refused.
    MalformedHead,
    /// A delivery whose signature is not valid.
    InvalidSignature,
}

/// What is enough for a ban.
struct Threshold {
    count: u16,
    /// How many of them must differ, by their hashes: at least so many do.
    different: u32,
    window: Duration,
}

impl Offence {
    /// Every offence.
    pub const ALL: [Self; 4] =
        [Self::WrongKey, Self::UnmatchedPath, Self::MalformedHead, Self::InvalidSignature];

    /// Its name in metrics and lists.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WrongKey => "wrong_key",
            Self::UnmatchedPath => "unmatched_path",
            Self::MalformedHead => "malformed_head",
            Self::InvalidSignature => "invalid_signature",
        }
    }

    const fn threshold(self) -> Threshold {
        let (count, different, window_s) = match self {
            Self::WrongKey => (10, 10, 600),
            Self::UnmatchedPath => (40, 20, 60),
            Self::MalformedHead => (20, 1, 60),
            Self::InvalidSignature => (10, 1, 300),
        };
        Threshold { count, different, window: Duration::from_secs(window_s) }
    }
}

/// The offences of all networks.
#[derive(Debug)]
pub struct Offences {
    // Keyed with a secret, so that clients cannot choose addresses or paths that collide.
    hasher: RandomState,
    sets: Box<[Mutex<[Entry; WAYS]>]>,
}

/// A free entry has no tag.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    tag: u64,
    updated: Duration,
    counts: [Count; Offence::ALL.len()],
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    started: Duration,
    count: u16,
    /// A bit for each of 128 hashes.
    seen: u128,
}

impl Default for Offences {
    fn default() -> Self {
        Self { hasher: RandomState::new(), sets: (0..SETS).map(|_| Mutex::default()).collect() }
    }
}

impl Offences {
    /// Counts an offence at `now`, the time since any start; `subject` is the key or the path. Returns whether it is one too many; the
    /// count then starts again.
    pub fn record(&self, network: Network, offence: Offence, subject: &[u8], now: Duration) -> bool {
        let hash = self.hasher.hash_one(network.to_bits());
        let tag = hash | 1;
        let set = usize::try_from(hash >> 1).unwrap_or(usize::MAX) % SETS;
        let mut entries = self.sets[set].lock().unwrap_or_else(PoisonError::into_inner);
        let existing = entries.iter().position(|entry| entry.tag == tag);
        let index = existing.unwrap_or_else(|| least_recent(&entries));
        if existing.is_none() {
            entries[index] = Entry { tag, ..Entry::default() };
        }
        entries[index].updated = now;
        entries[index].counts[offence as usize].record(
            &offence.threshold(),
            self.hasher.hash_one(subject),
            now,
        )
    }
}

impl Count {
    fn record(&mut self, threshold: &Threshold, subject: u64, now: Duration) -> bool {
        if self.count == 0 || now.saturating_sub(self.started) > threshold.window {
            *self = Self { started: now, ..Self::default() };
        }
        self.count = self.count.saturating_add(1);
        self.seen |= 1 << (subject % u64::from(u128::BITS));
        let is_enough = self.count >= threshold.count && self.seen.count_ones() >= threshold.different;
        if is_enough {
            *self = Self::default();
        }
        is_enough
    }
}

fn least_recent(entries: &[Entry; WAYS]) -> usize {
    let by_use = |(_, entry): &(usize, &Entry)| (entry.tag != 0, entry.updated);
    entries.iter().enumerate().min_by_key(by_use).map_or(0, |(index, _)| index)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn network(text: &str) -> Network {
        text.parse::<IpAddr>().unwrap().into()
    }

    /// After how many offences of this kind, one in each of `pause`, there is a ban; `None` after 200.
    fn banned_after(offence: Offence, subjects: u32, pause: Duration) -> Option<u32> {
        let (offences, client) = (Offences::default(), network("192.0.2.1"));
        (0..200).find(|number| {
            let subject = (number % subjects).to_be_bytes();
            offences.record(client, offence, &subject, pause * *number)
        })
    }

    #[test]
    fn different_keys_and_paths_are_an_attack_and_the_same_ones_are_not() {
        let second = Duration::from_secs(1);
        // Two of the first ten may have the same bit.
        assert!(
            banned_after(Offence::WrongKey, 200, second).is_some_and(|number| (9..=16).contains(&number))
        );
        assert_eq!(banned_after(Offence::WrongKey, 9, second), None, "an old key, or a few");
        assert_eq!(banned_after(Offence::WrongKey, 200, 67 * second), None, "ten minutes are over before");
        assert!(
            banned_after(Offence::UnmatchedPath, 200, second)
                .is_some_and(|number| (39..=44).contains(&number))
        );
        assert_eq!(banned_after(Offence::UnmatchedPath, 19, second / 2), None, "a page with broken links");
        assert_eq!(banned_after(Offence::MalformedHead, 1, second), Some(19));
        assert_eq!(banned_after(Offence::InvalidSignature, 1, second), Some(9));
        assert_eq!(banned_after(Offence::InvalidSignature, 1, 34 * second), None);
    }

    #[test]
    fn each_network_is_counted_apart_and_many_displace_idle_ones_alone() {
        let offences = Offences::default();
        let record = |client: &str, number: u64| {
            let now = Duration::from_millis(number);
            offences.record(network(client), Offence::MalformedHead, b"", now)
        };
        assert!((0..19).all(|number| !record("192.0.2.1", number)));
        assert!(!record("192.0.2.2", 20) && !record("2001:db8::1", 20));
        assert!(record("192.0.2.1", 21));
        assert!(!record("192.0.2.1", 22), "the count starts again");
        assert!(size_of::<Entry>() * SETS * WAYS < 4 << 20);
    }
}
