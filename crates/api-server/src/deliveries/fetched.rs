//! What was fetched, kept for a while: one fetch however many wait for it, and a refusal is remembered too.

use std::sync::Arc;
use std::time::{Duration, Instant};

use quick_cache::sync::Cache;

use super::fetch::FetchError;

/// Most documents that are remembered, those that are not there among them. A stranger can add as many as the fetcher's
/// rate lets through; those in use are kept before those that were asked for once.
const ENTRIES_MAX: usize = 256;
/// How long a document is used before it is looked for again.
const FOUND_FOR: Duration = Duration::from_secs(24 * 3600);
/// How long a document that is not there is not asked for again.
const NOT_THERE_FOR: Duration = Duration::from_secs(60);
/// How long a host that does not answer is left alone for one document.
const AWAY_FOR: Duration = Duration::from_secs(2);
/// Most documents whose last good form is remembered: a provider has a few.
const GOOD_MAX: usize = 64;
/// How long the last good form is used before the document is looked for again.
const GOOD_FOR: Duration = Duration::from_secs(60);
/// How long after it was had the last good form is used at all. A host that is away for longer is not away.
const GOOD_FOR_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// Documents by name.
#[derive(Debug)]
pub(super) struct Fetched<V> {
    entries: Cache<String, Entry<V>>,
    /// The last good form of each: what cannot be asked for now is what it was, since a key of an id does not change. So
    /// a host that is away, or strangers who use up what may be asked, stop no delivery whose key was had before.
    good: Cache<String, Good<V>>,
}

#[derive(Debug)]
struct Good<V> {
    document: Arc<V>,
    until: Instant,
}

#[derive(Debug)]
struct Entry<V> {
    outcome: Result<Arc<V>, FetchError>,
    until: Instant,
}

impl<V> Clone for Good<V> {
    fn clone(&self) -> Self {
        Self { document: Arc::clone(&self.document), until: self.until }
    }
}

impl<V> Clone for Entry<V> {
    fn clone(&self) -> Self {
        Self { outcome: self.outcome.clone(), until: self.until }
    }
}

impl<V> Default for Fetched<V> {
    fn default() -> Self {
        Self { entries: Cache::new(ENTRIES_MAX), good: Cache::new(GOOD_MAX) }
    }
}

impl<V> Fetched<V> {
    /// The document of this name, from memory or by `fetch`.
    ///
    /// # Errors
    /// Why it could not be had, now or a moment ago.
    pub(super) async fn get(
        &self,
        name: &str,
        fetch: impl Future<Output = Result<V, FetchError>>,
    ) -> Result<Arc<V>, FetchError> {
        let now = Instant::now();
        self.entries.remove_if(name, |entry| entry.until <= now);
        let remembered = self.entries.get_or_insert_async(name, async { self.remember(name, fetch.await) });
        remembered.await?.outcome
    }

    /// Knows a document that was had before, so long ago, as its last good form; it is looked for again all the same. One
    /// that was had since stays.
    pub(super) fn recall(&self, name: String, document: V, age: Duration) {
        let Some(lasts) = GOOD_FOR_MAX.checked_sub(age) else { return };
        if self.good.get(&name).is_none() {
            let document = Arc::new(document);
            self.good.insert(name, Good { document, until: Instant::now() + lasts });
        }
    }

    /// Whether a document of this name was had before.
    pub(super) fn was_had(&self, name: &str) -> bool {
        self.good_of(name).is_some()
    }

    fn good_of(&self, name: &str) -> Option<Arc<V>> {
        let good = self.good.get(name)?;
        (Instant::now() < good.until).then_some(good.document)
    }

    /// What is kept of an outcome; `Err` keeps nothing, so that the next one who asks has a turn of its own.
    fn remember(&self, name: &str, outcome: Result<V, FetchError>) -> Result<Entry<V>, FetchError> {
        let entry = |outcome, lasts| Entry { outcome, until: Instant::now() + lasts };
        let failure = match outcome {
            Ok(document) => {
                let document = Arc::new(document);
                let good = Good { document: Arc::clone(&document), until: Instant::now() + GOOD_FOR_MAX };
                self.good.insert(name.to_owned(), good);
                return Ok(entry(Ok(document), FOUND_FOR));
            }
            Err(failure) => failure,
        };
        if failure == FetchError::NotThere {
            self.good.remove(name);
            return Ok(entry(Err(failure), NOT_THERE_FOR));
        }
        match (self.good_of(name), failure) {
            (Some(good), _) => Ok(entry(Ok(good), GOOD_FOR)),
            (None, FetchError::Capped { .. }) => Err(failure),
            (None, _) => Ok(entry(Err(failure), AWAY_FOR)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_hundred_at_once_fetch_once_and_all_have_it() {
        let (fetched, calls) = (Arc::new(Fetched::default()), Arc::new(AtomicUsize::new(0)));
        let asking: Vec<_> = (0..100)
            .map(|_| {
                let (fetched, calls) = (Arc::clone(&fetched), Arc::clone(&calls));
                tokio::spawn(async move {
                    let fetch = async {
                        calls.fetch_add(1, Ordering::Relaxed);
                        tokio::task::yield_now().await;
                        Ok("document")
                    };
                    fetched.get("key", fetch).await
                })
            })
            .collect();
        for asked in asking {
            assert_eq!(asked.await.unwrap().map(|document| *document), Ok("document"));
        }
        assert_eq!(calls.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn what_is_not_there_is_remembered_and_what_was_capped_is_not() {
        let fetched = Fetched::<&str>::default();
        let not_there = async { Err(FetchError::NotThere) };
        assert_eq!(fetched.get("key", not_there).await, Err(FetchError::NotThere));
        assert_eq!(fetched.get("key", async { Ok("now it is") }).await, Err(FetchError::NotThere));
        let capped = FetchError::Capped { retry_after_s: 2 };
        assert_eq!(fetched.get("other", async { Err(capped) }).await, Err(capped));
        assert_eq!(fetched.get("other", async { Ok("there") }).await.map(|document| *document), Ok("there"));
    }

    #[tokio::test]
    async fn what_was_had_before_is_used_while_it_cannot_be_asked_for_and_not_once_it_is_gone() {
        let fetched = Fetched::<&str>::default();
        let get = async |outcome| {
            fetched.entries.clear();
            fetched.get("key", async { outcome }).await.map(|document| *document)
        };
        assert_eq!(get(Ok("key")).await, Ok("key"));
        for failure in [FetchError::Capped { retry_after_s: 9 }, FetchError::Away, FetchError::Denied] {
            assert_eq!(get(Err(failure)).await, Ok("key"), "{failure}");
        }
        assert_eq!(get(Err(FetchError::NotThere)).await, Err(FetchError::NotThere));
        assert_eq!(get(Err(FetchError::Away)).await, Err(FetchError::Away), "it was withdrawn");
    }

    #[tokio::test]
    async fn what_is_recalled_is_used_while_it_cannot_be_asked_for_and_not_when_it_is_too_old() {
        let away = async || Err(FetchError::Away);
        for (age, expected) in [
            (Duration::ZERO, Ok("kept")),
            (GOOD_FOR_MAX - Duration::from_secs(9), Ok("kept")),
            (GOOD_FOR_MAX, Err(FetchError::Away)),
            (GOOD_FOR_MAX + Duration::from_secs(9), Err(FetchError::Away)),
        ] {
            let fetched = Fetched::<&str>::default();
            fetched.recall("key".to_owned(), "kept", age);
            assert_eq!(fetched.was_had("key"), expected.is_ok(), "{age:?}");
            assert_eq!(fetched.get("key", away()).await.map(|document| *document), expected, "{age:?}");
        }
        let fetched = Fetched::<&str>::default();
        fetched.recall("key".to_owned(), "kept", Duration::ZERO);
        assert_eq!(fetched.get("key", async { Ok("told") }).await.map(|document| *document), Ok("told"));
        fetched.recall("key".to_owned(), "kept", Duration::ZERO);
        fetched.entries.clear();
        assert_eq!(fetched.get("key", away()).await.map(|document| *document), Ok("told"));
    }

    #[tokio::test]
    async fn however_many_names_are_asked_for_few_are_remembered() {
        let fetched = Fetched::<()>::default();
        for number in 0..10_000 {
            let _outcome = fetched.get(&number.to_string(), async { Err(FetchError::NotThere) }).await;
        }
        assert!(fetched.entries.len() <= ENTRIES_MAX);
    }
}
