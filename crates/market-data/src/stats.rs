//! Counts of what was asked of the vendor and of the cache, for the metrics to read. They only ever rise.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// Live counters, raised where things happen.
        #[derive(Debug, Default)]
        pub struct Stats {
            $(pub(crate) $name: AtomicU64,)*
        }

        /// All counters at one moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct StatsReading {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Stats {
            /// Reads every counter.
            #[must_use]
            pub fn read(&self) -> StatsReading {
                StatsReading { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }

        impl StatsReading {
            /// Every counter with its name, in order: what a metrics page iterates.
            #[must_use]
            pub fn named(&self) -> [(&'static str, u64); StatsReading::COUNT] {
                [$((stringify!($name), self.$name),)*]
            }

            /// How many counters there are.
            pub const COUNT: usize = [$(stringify!($name),)*].len();
        }
    };
}

counters! {
    /// Calls that brought an answer that could be used.
    calls_ok,
    /// Calls answered 404.
    calls_not_found,
    /// Calls answered 401 or 403.
    calls_denied,
    /// Calls answered 429.
    calls_limited,
    /// Calls answered 5xx or with an undocumented status.
    calls_failed,
    /// Calls that could not connect or broke off.
    calls_broken,
    /// Calls that ran out of time.
    calls_timed_out,
    /// Calls whose answer could not be used.
    calls_bad_data,
    /// Calls not made for want of a key.
    key_refusals,
    /// Calls not made because the quota was used up.
    quota_refusals,
    /// Calls not made because too many were in flight.
    busy_refusals,
    /// Further tries of a call.
    retries,
    /// Answers from the cache that were fresh.
    cache_hits,
    /// Answers from the cache that were stale, and marked so.
    cache_stale,
    /// Fetches started because nothing was cached.
    cache_misses,
    /// Callers that joined a fetch already in flight.
    cache_joined,
    /// Failures answered from memory.
    cache_negative,
    /// Entries dropped to keep the bound.
    cache_evictions,
}

/// Raises a counter by one.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_read_by_name() {
        let stats = Stats::default();
        count(&stats.cache_hits);
        let read = stats.read();
        assert_eq!(read.cache_hits, 1);
        assert_eq!(read.named()[0], ("calls_ok", 0));
        assert!(read.named().contains(&("cache_hits", 1)));
    }
}
