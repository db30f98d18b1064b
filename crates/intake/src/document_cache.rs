//! Caches fetched documents: one fetch however many requests wait for it. Failures are cached, too.

use std::sync::Arc;
use std::time::{Duration, Instant};

use quick_cache::sync::Cache;

use crate::fetcher::FetchError;

/// Cached documents, those that were not found among them. Unknown senders can add as many as the fetcher's limit allows;
/// documents in use stay before those that were requested once.
const ENTRIES_MAX: usize = 256;
/// How long a document is used before it is fetched again.
const FRESH_FOR: Duration = Duration::from_secs(24 * 3600);
/// How long a document that was not found is not fetched again.
const NOT_FOUND_FOR: Duration = Duration::from_secs(60);
/// How long an unavailable host is not called again for one document.
const UNAVAILABLE_FOR: Duration = Duration::from_secs(2);
/// Documents with a fallback: a provider has a few.
const FALLBACKS_MAX: usize = 64;
/// How long a fallback is used before the document is fetched again.
const FALLBACK_FOR: Duration = Duration::from_secs(60);
/// How long after it was fetched a document is used as a fallback at all: a host that is down for longer is gone.
const FALLBACK_FOR_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// Documents by name.
#[derive(Debug)]
pub(crate) struct DocumentCache<V> {
    entries: Cache<String, Entry<V>>,
    /// The last successful fetch of each. The key of an id does not change, so a host that is down, or unknown senders who
    /// use up the quota, stop no delivery whose key was fetched before.
    fallbacks: Cache<String, Fallback<V>>,
}

#[derive(Debug)]
struct Fallback<V> {
    document: Arc<V>,
    until: Instant,
}

#[derive(Debug)]
struct Entry<V> {
    outcome: Result<Arc<V>, FetchError>,
    until: Instant,
}

impl<V> Clone for Fallback<V> {
    fn clone(&self) -> Self {
        Self { document: Arc::clone(&self.document), until: self.until }
    }
}

impl<V> Clone for Entry<V> {
    fn clone(&self) -> Self {
        Self { outcome: self.outcome.clone(), until: self.until }
    }
}

impl<V> Default for DocumentCache<V> {
    fn default() -> Self {
        Self { entries: Cache::new(ENTRIES_MAX), fallbacks: Cache::new(FALLBACKS_MAX) }
    }
}

impl<V> DocumentCache<V> {
    /// The document of this name, from the cache or by `fetch`. An error may be that of a moment ago.
    pub(crate) async fn get(
        &self,
        name: &str,
        fetch: impl Future<Output = Result<V, FetchError>>,
    ) -> Result<Arc<V>, FetchError> {
        let now = Instant::now();
        self.entries.remove_if(name, |entry| entry.until <= now);
        let entry = self.entries.get_or_insert_async(name, async { self.entry(name, fetch.await) });
        entry.await?.outcome
    }

    /// Restores a document that was fetched `age` ago as a fallback, unless there is a newer one. It is fetched again all the
    /// same.
    pub(crate) fn restore(&self, name: String, document: V, age: Duration) {
        let Some(lasts) = FALLBACK_FOR_MAX.checked_sub(age) else { return };
        if self.fallbacks.get(&name).is_none() {
            let document = Arc::new(document);
            self.fallbacks.insert(name, Fallback { document, until: Instant::now() + lasts });
        }
    }

    /// Whether this document was fetched before.
    pub(crate) fn has_fallback(&self, name: &str) -> bool {
        self.fallback(name).is_some()
    }

    fn fallback(&self, name: &str) -> Option<Arc<V>> {
        let fallback = self.fallbacks.get(name)?;
        (Instant::now() < fallback.until).then_some(fallback.document)
    }

    /// What is cached of an outcome; `Err` caches nothing, so that the next request is counted on its own.
    fn entry(&self, name: &str, outcome: Result<V, FetchError>) -> Result<Entry<V>, FetchError> {
        let entry = |outcome, lasts| Entry { outcome, until: Instant::now() + lasts };
        let failure = match outcome {
            Ok(document) => {
                let document = Arc::new(document);
                let fallback =
                    Fallback { document: Arc::clone(&document), until: Instant::now() + FALLBACK_FOR_MAX };
                self.fallbacks.insert(name.to_owned(), fallback);
                return Ok(entry(Ok(document), FRESH_FOR));
            }
            Err(failure) => failure,
        };
        if failure == FetchError::NotFound {
            self.fallbacks.remove(name);
            return Ok(entry(Err(failure), NOT_FOUND_FOR));
        }
        match (self.fallback(name), failure) {
            (Some(fallback), _) => Ok(entry(Ok(fallback), FALLBACK_FOR)),
            (None, FetchError::Limited { .. }) => Err(failure),
            (None, _) => Ok(entry(Err(failure), UNAVAILABLE_FOR)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_hundred_requests_at_once_fetch_once() {
        let (cache, calls) = (Arc::new(DocumentCache::default()), Arc::new(AtomicUsize::new(0)));
        let requests: Vec<_> = (0..100)
            .map(|_| {
                let (cache, calls) = (Arc::clone(&cache), Arc::clone(&calls));
                tokio::spawn(async move {
                    let fetch = async {
                        calls.fetch_add(1, Ordering::Relaxed);
                        tokio::task::yield_now().await;
                        Ok("document")
                    };
                    cache.get("key", fetch).await
                })
            })
            .collect();
        for request in requests {
            assert_eq!(request.await.unwrap().map(|document| *document), Ok("document"));
        }
        assert_eq!(calls.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn not_found_is_cached_and_limited_is_not() {
        let cache = DocumentCache::<&str>::default();
        let not_found = async { Err(FetchError::NotFound) };
        assert_eq!(cache.get("key", not_found).await, Err(FetchError::NotFound));
        assert_eq!(cache.get("key", async { Ok("now it is") }).await, Err(FetchError::NotFound));
        let limited = FetchError::Limited { retry_after_s: 2 };
        assert_eq!(cache.get("other", async { Err(limited) }).await, Err(limited));
        assert_eq!(cache.get("other", async { Ok("there") }).await.map(|document| *document), Ok("there"));
    }

    #[tokio::test]
    async fn a_document_that_was_fetched_before_is_used_while_its_host_is_down_and_not_once_it_is_withdrawn()
    {
        let cache = DocumentCache::<&str>::default();
        let get = async |outcome| {
            cache.entries.clear();
            cache.get("key", async { outcome }).await.map(|document| *document)
        };
        assert_eq!(get(Ok("key")).await, Ok("key"));
        for failure in [FetchError::Limited { retry_after_s: 9 }, FetchError::Unavailable, FetchError::Denied]
        {
            assert_eq!(get(Err(failure)).await, Ok("key"), "{failure}");
        }
        assert_eq!(get(Err(FetchError::NotFound)).await, Err(FetchError::NotFound));
        assert_eq!(get(Err(FetchError::Unavailable)).await, Err(FetchError::Unavailable), "it was withdrawn");
    }

    #[tokio::test]
    async fn a_restored_document_is_used_while_its_host_is_down_unless_it_is_too_old() {
        let unavailable = async || Err(FetchError::Unavailable);
        for (age, expected) in [
            (Duration::ZERO, Ok("stored")),
            (FALLBACK_FOR_MAX - Duration::from_secs(9), Ok("stored")),
            (FALLBACK_FOR_MAX, Err(FetchError::Unavailable)),
            (FALLBACK_FOR_MAX + Duration::from_secs(9), Err(FetchError::Unavailable)),
        ] {
            let cache = DocumentCache::<&str>::default();
            cache.restore("key".to_owned(), "stored", age);
            assert_eq!(cache.has_fallback("key"), expected.is_ok(), "{age:?}");
            assert_eq!(cache.get("key", unavailable()).await.map(|document| *document), expected, "{age:?}");
        }
        let cache = DocumentCache::<&str>::default();
        cache.restore("key".to_owned(), "stored", Duration::ZERO);
        assert_eq!(cache.get("key", async { Ok("fetched") }).await.map(|document| *document), Ok("fetched"));
        cache.restore("key".to_owned(), "stored", Duration::ZERO);
        cache.entries.clear();
        assert_eq!(cache.get("key", unavailable()).await.map(|document| *document), Ok("fetched"));
    }

    #[tokio::test]
    async fn however_many_names_are_requested_few_are_cached() {
        let cache = DocumentCache::<()>::default();
        for number in 0..10_000 {
            let _outcome = cache.get(&number.to_string(), async { Err(FetchError::NotFound) }).await;
        }
        assert!(cache.entries.len() <= ENTRIES_MAX);
    }
}
