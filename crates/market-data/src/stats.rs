//! Counters of calls and of cache lookups, for metrics. They never decrease.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// Live counters.
        #[derive(Debug, Default)]
        pub struct Stats {
            $(pub(crate) $name: AtomicU64,)*
        }

        /// All counters at one moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct StatsSnapshot {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Stats {
            /// Reads every counter.
            #[must_use]
            pub fn snapshot(&self) -> StatsSnapshot {
                StatsSnapshot { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }

        impl StatsSnapshot {
            /// Every counter with its name, in order.
            #[must_use]
            pub fn named(&self) -> [(&'static str, u64); StatsSnapshot::COUNT] {
                [$((stringify!($name), self.$name),)*]
            }

            /// Number of counters.
            pub const COUNT: usize = [$(stringify!($name),)*].len();
        }
    };
}

counters! {
    /// Calls with a usable response.
    calls_ok,
    /// Calls with status 404.
    calls_not_found,
    /// Calls with status 401 or 403.
    calls_denied,
    /// Calls with status 429.
    calls_limited,
    /// Calls with status 5xx or an undocumented one.
    calls_failed,
    /// Calls whose connection failed or was lost.
    calls_broken,
    /// Calls that timed out.
    calls_timed_out,
    /// Calls with an unusable response.
    calls_bad_data,
    /// Calls not made because another replica had made them.
    calls_shared,
    /// Calls not made because there was no key.
    key_refusals,
    /// Calls not made because the quota was used up.
    quota_refusals,
    /// Calls not made because too many were in flight.
    busy_refusals,
    /// Retries of calls.
    retries,
    /// Lookups that found a fresh value.
    cache_hits,
    /// Lookups that found a stale value.
    cache_stale,
    /// Fetches started because nothing was cached.
    cache_misses,
    /// Callers that joined a fetch already in flight.
    cache_joined,
    /// Lookups that found a remembered failure.
    cache_negative,
    /// Entries dropped to keep the bound.
    cache_evictions,
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_have_names() {
        let stats = Stats::default();
        count(&stats.cache_hits);
        let snapshot = stats.snapshot();
        assert_eq!(snapshot.cache_hits, 1);
        assert_eq!(snapshot.named()[0], ("calls_ok", 0));
        assert!(snapshot.named().contains(&("cache_hits", 1)));
    }
}
