//! Caches finished responses as bytes: the same request for the same data is computed, serialized and compressed once.
//!
//! A key includes everything that the bytes depend on, such as the version of the data, so that no entry has to be invalidated.
//! Entries and bytes are bounded; the least used entries are evicted.

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

use domain::{Symbol, Timeframe};
use market_data::{Benchmark, Snapshot};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::content_encoding::{ContentEncoding, LEVEL_CACHED};
use crate::problem::Problem;
use crate::representation::Representation;

/// Everything that a response depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CacheKey {
    symbol: Symbol,
    data_version: u64,
    fetched_at_unix_ms: Option<i64>,
    resource: Resource,
    encoding: ContentEncoding,
}

/// Hashes only a part of the key: hashing all of it costs more than the lookup.
impl Hash for CacheKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Each symbol's data has a version of its own, and a symbol has many windows.
        state.write_u64(self.data_version);
        state.write_usize(match self.resource {
            Resource::Analysis { first_bar, .. } => first_bar,
            Resource::Symbol => usize::MAX,
        });
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resource {
    Analysis { benchmark_version: Option<u64>, timeframe: Timeframe, first_bar: usize },
    Symbol,
}

impl CacheKey {
    /// The analysis of this data from its daily bar `first_bar` on: there are as many keys as bars, whatever `days` clients
    /// request. `None` for stale data: its age is part of the response, so no two responses are the same.
    pub(crate) fn for_analysis(
        snapshot: &Snapshot,
        benchmark: Option<&Benchmark>,
        timeframe: Timeframe,
        first_bar: usize,
    ) -> Option<Self> {
        let benchmark_version = benchmark.map(|benchmark| benchmark.version);
        Self::new(snapshot, Resource::Analysis { benchmark_version, timeframe, first_bar })
    }

    /// The description of the symbol; `None` for stale data.
    pub(crate) fn for_symbol(snapshot: &Snapshot) -> Option<Self> {
        Self::new(snapshot, Resource::Symbol)
    }

    fn new(snapshot: &Snapshot, resource: Resource) -> Option<Self> {
        (!snapshot.is_stale()).then(|| Self {
            symbol: *snapshot.history.symbol(),
            data_version: snapshot.version,
            fetched_at_unix_ms: snapshot.fetched_at_unix_ms,
            resource,
            encoding: ContentEncoding::Identity,
        })
    }
}

#[derive(Debug)]
pub(crate) struct ResponseCache {
    cache: Option<Cache<CacheKey, Representation, Weight>>,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl ResponseCache {
    pub(crate) fn new(config: config::ResponseCache) -> Self {
        let config::ResponseCache { entries_max, bytes_max } = config;
        // An entry weighs at least its share of the bytes, so that one bound covers both numbers.
        let entry_bytes_min = bytes_max / entries_max.max(1) as u64;
        let cache = || Cache::with_weighter(entries_max, bytes_max, Weight { entry_bytes_min });
        Self { cache: (entries_max > 0).then(cache), hits: AtomicU64::new(0), misses: AtomicU64::new(0) }
    }

    /// The response in this encoding: cached, compressed from the cached identity response, or computed. Without a key it is
    /// always computed.
    pub(crate) fn get_or_compute(
        &self,
        key: Option<CacheKey>,
        encoding: ContentEncoding,
        compute: impl FnOnce() -> Result<Representation, Problem>,
    ) -> Result<Representation, Problem> {
        let Some(key) = key.filter(|_| self.cache.is_some()) else { return compute() };
        let key = CacheKey { encoding, ..key };
        if let Some(cached) = self.get(&key) {
            return Ok(cached);
        }
        let representation = match encoding {
            ContentEncoding::Identity => compute()?,
            ContentEncoding::Gzip | ContentEncoding::Brotli | ContentEncoding::Zstd => self
                .get_or_compute(Some(key), ContentEncoding::Identity, compute)?
                .compressed(encoding, LEVEL_CACHED),
        };
        self.insert(key, representation.clone());
        Ok(representation)
    }

    fn get(&self, key: &CacheKey) -> Option<Representation> {
        let cached = self.cache.as_ref()?.get(key);
        let counter = if cached.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        cached
    }

    /// Hits and misses; both are 0 if the cache is disabled.
    pub(crate) fn lookups(&self) -> (u64, u64) {
        (self.hits.load(Ordering::Relaxed), self.misses.load(Ordering::Relaxed))
    }

    fn insert(&self, key: CacheKey, representation: Representation) {
        if let Some(cache) = &self.cache {
            cache.insert(key, representation);
        }
    }

    /// Number of cached responses.
    pub(crate) fn len(&self) -> usize {
        self.cache.as_ref().map_or(0, Cache::len)
    }
}

/// The cost of an entry: its bytes, its key, and its slots in the table.
#[derive(Clone, Debug)]
struct Weight {
    entry_bytes_min: u64,
}

/// Approximate bytes of an entry without its body.
const ENTRY_OVERHEAD_BYTES: u64 = 320;

impl Weighter<CacheKey, Representation> for Weight {
    fn weight(&self, _: &CacheKey, representation: &Representation) -> u64 {
        (representation.body.len() as u64 + ENTRY_OVERHEAD_BYTES).max(self.entry_bytes_min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    fn representation(bytes: usize) -> Representation {
        Representation::new(bytes::Bytes::from(vec![b'x'; bytes]), None)
    }

    fn key_of(resource: Resource) -> CacheKey {
        let encoding = ContentEncoding::Identity;
        CacheKey {
            symbol: "AAPL".parse().unwrap(),
            data_version: 1,
            fetched_at_unix_ms: None,
            resource,
            encoding,
        }
    }

    fn key(first_bar: usize) -> CacheKey {
        let (benchmark_version, timeframe) = (None, Timeframe::Day);
        key_of(Resource::Analysis { benchmark_version, timeframe, first_bar })
    }

    #[test]
    fn a_response_is_returned_only_for_the_same_key() {
        let cache = ResponseCache::new(config::ResponseCache { entries_max: 10, bytes_max: MIB });
        cache.insert(key(1), representation(3));
        assert_eq!(cache.get(&key(1)).map(|cached| cached.body.len()), Some(3));
        assert!(cache.get(&key(2)).is_none());
        assert!(cache.get(&CacheKey { data_version: 2, ..key(1) }).is_none());
        assert_eq!(cache.lookups(), (1, 2));
        let (timeframe, first_bar) = (Timeframe::Day, 1);
        let other_market = Resource::Analysis { benchmark_version: Some(1), timeframe, first_bar };
        assert!(cache.get(&key_of(other_market)).is_none());
        assert!(cache.get(&key_of(Resource::Symbol)).is_none());
        let (benchmark_version, timeframe) = (None, Timeframe::Week);
        let weeks = Resource::Analysis { benchmark_version, timeframe, first_bar };
        assert!(cache.get(&key_of(weeks)).is_none());
    }

    #[test]
    fn a_response_is_computed_once_and_compressed_once_for_each_encoding() {
        let cache = ResponseCache::new(config::ResponseCache { entries_max: 10, bytes_max: MIB });
        let (mut computed, mut lengths) = (0, Vec::new());
        for encoding in [ContentEncoding::Zstd, ContentEncoding::Gzip, ContentEncoding::Identity].repeat(2) {
            let compute = || {
                computed += 1;
                Ok(representation(10_000))
            };
            lengths.push(cache.get_or_compute(Some(key(1)), encoding, compute).unwrap().body.len());
        }
        assert!(lengths[0] < 100 && lengths[1] < 100 && lengths[2] == 10_000, "{lengths:?}");
        assert_eq!((computed, cache.len(), &lengths[..3]), (1, 3, &lengths[3..]));
        // Zstd and identity; gzip; then everything from the cache.
        assert_eq!(cache.lookups(), (5, 3));
    }

    #[test]
    fn entries_and_bytes_are_bounded() {
        for (entries_max, bytes_max, body_bytes) in [(100, MIB, 10), (100_000, MIB, 8 * 1024)] {
            let cache = ResponseCache::new(config::ResponseCache { entries_max, bytes_max });
            for at in 0..10_000 {
                cache.insert(key(at), representation(body_bytes));
            }
            let most = entries_max.min(bytes_max as usize / body_bytes);
            assert!(cache.len() <= most && cache.len() > most / 2, "{} of {most}", cache.len());
        }
    }

    #[test]
    fn nothing_is_cached_when_disabled() {
        let cache = ResponseCache::new(config::ResponseCache { entries_max: 0, bytes_max: MIB });
        cache.insert(key(1), representation(3));
        assert_eq!(cache.len(), 0);
    }
}
