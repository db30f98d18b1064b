//! Finished answers, kept as bytes: the same question about the same data is computed and written once.
//!
//! A key holds everything that the bytes depend on, the data's version included, so that an entry is never wrong and
//! nothing has to be invalidated. Entries and bytes are bounded; which of them stay is decided by use.

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

use domain::{Symbol, Timeframe};
use market_data::{Benchmark, Snapshot};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::handlers::Representation;

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Most answers that are kept; none when it is 0, for a benchmark of the computation.
    pub entries_max: usize,
    /// Most bytes that are kept.
    pub bytes_max: u64,
}

/// The question, reduced to what its answer depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    symbol: Symbol,
    data_version: u64,
    fetched_at_unix_ms: Option<i64>,
    question: Question,
}

/// Of two keys that are equal, these parts are too; hashing all of a key costs more than finding it.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Each symbol's data has a version of its own, and a symbol has many windows.
        state.write_u64(self.data_version);
        state.write_usize(match self.question {
            Question::Analysis { first_bar, .. } => first_bar,
            Question::Symbol => usize::MAX,
        });
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Analysis { benchmark_version: Option<u64>, timeframe: Timeframe, first_bar: usize },
    Symbol,
}

impl Key {
    /// The analysis of this data, against this market, from its daily bar number `first_bar` on. However many `days` a
    /// client asks for, only as many keys exist as there are bars. Stale data has no key: its answers hold an age, and
    /// so are never the same.
    #[must_use]
    pub fn new(
        snapshot: &Snapshot,
        benchmark: Option<&Benchmark>,
        timeframe: Timeframe,
        first_bar: usize,
    ) -> Option<Self> {
        let benchmark_version = benchmark.map(|benchmark| benchmark.version);
        Self::about(snapshot, Question::Analysis { benchmark_version, timeframe, first_bar })
    }

    /// What there is of this data's symbol; none when it is stale.
    #[must_use]
    pub fn of_symbol(snapshot: &Snapshot) -> Option<Self> {
        Self::about(snapshot, Question::Symbol)
    }

    fn about(snapshot: &Snapshot, question: Question) -> Option<Self> {
        (!snapshot.is_stale()).then(|| Self {
            symbol: *snapshot.history.symbol(),
            data_version: snapshot.version,
            fetched_at_unix_ms: snapshot.fetched_at_unix_ms,
            question,
        })
    }
}

/// Finished answers.
#[derive(Debug)]
pub struct Answers {
    cache: Option<Cache<Key, Representation, Weight>>,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl Answers {
    /// An empty store.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let Config { entries_max, bytes_max } = config;
        // An entry weighs at least its share of the bytes, so that one bound holds both numbers.
        let entry_bytes_min = bytes_max / entries_max.max(1) as u64;
        let cache = || Cache::with_weighter(entries_max, bytes_max, Weight { entry_bytes_min });
        Self { cache: (entries_max > 0).then(cache), hits: AtomicU64::new(0), misses: AtomicU64::new(0) }
    }

    /// The answer to `key`.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<Representation> {
        let found = self.cache.as_ref()?.get(key);
        let counter = if found.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        found
    }

    /// How often an answer was asked for and was there, and was not; nothing is counted when nothing is kept.
    #[must_use]
    pub fn lookups(&self) -> (u64, u64) {
        (self.hits.load(Ordering::Relaxed), self.misses.load(Ordering::Relaxed))
    }

    /// Keeps the answer to `key`, as long as there is room.
    pub fn insert(&self, key: Key, answer: Representation) {
        if let Some(cache) = &self.cache {
            cache.insert(key, answer);
        }
    }

    /// How many answers are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cache.as_ref().map_or(0, Cache::len)
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What an entry costs: its bytes, its key, and the table's own slots.
#[derive(Clone, Debug)]
struct Weight {
    entry_bytes_min: u64,
}

/// Bytes that an entry takes beside its body, about.
const ENTRY_OVERHEAD_BYTES: u64 = 320;

impl Weighter<Key, Representation> for Weight {
    fn weight(&self, _: &Key, answer: &Representation) -> u64 {
        (answer.bytes_len() as u64 + ENTRY_OVERHEAD_BYTES).max(self.entry_bytes_min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    fn answer(bytes: usize) -> Representation {
        Representation::new(bytes::Bytes::from(vec![b'x'; bytes]), None)
    }

    fn key_to(question: Question) -> Key {
        Key { symbol: "AAPL".parse().unwrap(), data_version: 1, fetched_at_unix_ms: None, question }
    }

    fn key(first_bar: usize) -> Key {
        let (benchmark_version, timeframe) = (None, Timeframe::Day);
        key_to(Question::Analysis { benchmark_version, timeframe, first_bar })
    }

    #[test]
    fn an_answer_is_found_again_by_the_same_question_alone() {
        let answers = Answers::new(Config { entries_max: 10, bytes_max: MIB });
        answers.insert(key(1), answer(3));
        assert_eq!(answers.get(&key(1)).map(|answer| answer.bytes_len()), Some(3));
        assert!(answers.get(&key(2)).is_none());
        assert!(answers.get(&Key { data_version: 2, ..key(1) }).is_none());
        assert_eq!(answers.lookups(), (1, 2));
        let (timeframe, first_bar) = (Timeframe::Day, 1);
        let other_market = Question::Analysis { benchmark_version: Some(1), timeframe, first_bar };
        assert!(answers.get(&key_to(other_market)).is_none());
        assert!(answers.get(&key_to(Question::Symbol)).is_none());
        let (benchmark_version, timeframe) = (None, Timeframe::Week);
        let weeks = Question::Analysis { benchmark_version, timeframe, first_bar };
        assert!(answers.get(&key_to(weeks)).is_none());
    }

    #[test]
    fn entries_and_bytes_are_bounded() {
        for (entries_max, bytes_max, body_bytes) in [(100, MIB, 10), (100_000, MIB, 8 * 1024)] {
            let answers = Answers::new(Config { entries_max, bytes_max });
            for at in 0..10_000 {
                answers.insert(key(at), answer(body_bytes));
            }
            let most = entries_max.min(bytes_max as usize / body_bytes);
            assert!(answers.len() <= most && answers.len() > most / 2, "{} of {most}", answers.len());
        }
    }

    #[test]
    fn nothing_is_kept_when_turned_off() {
        let answers = Answers::new(Config { entries_max: 0, bytes_max: MIB });
        answers.insert(key(1), answer(3));
        assert!(answers.is_empty());
    }
}
