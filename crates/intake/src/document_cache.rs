//! Caches fetched documents and failures. Concurrent requests for a document share one fetch.

use std::sync::Arc;
use std::time::{Duration, Instant};

use quick_cache::sync::Cache;

use crate::fetcher::FetchError;

/// Most cached documents and failures. Documents in use are evicted after those that were requested once, so unknown senders
/// cannot evict them.
const ENTRIES_MAX: usize = 256;
/// Time after which a document is fetched again.
const FRESH_FOR: Duration = Duration::from_secs(24 * 3600);
/// Time after which a document that was not found is fetched again.
const NOT_FOUND_FOR: Duration = Duration::from_secs(60);
/// Time after which a document is fetched again from an unavailable host.
const UNAVAILABLE_FOR: Duration = Duration::from_secs(2);
/// Most documents with a fallback; a provider has a few.
const FALLBACKS_MAX: usize = 64;
/// Time after which a document whose fallback is used is fetched again.
const FALLBACK_FOR: Duration = Duration::from_secs(60);
/// Age up to which a document is used as a fallback.
const FALLBACK_FOR_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// Documents by name.
#[derive(Debug)]
pub(crate) struct DocumentCache<V> {
    entries: Cache<String, Entry<Arc<V>>>,
    /// The last successful fetch of each. Documents do not change, so deliveries whose key was fetched before are verified
    /// even if the host is down or the quota is used up.
    fallbacks: Cache<String, Fallback<Arc<V>>>,
}

/// A document, or why it was not fetched, until it is fetched again.
#[derive(Clone, Debug)]
struct Entry<D> {
    outcome: Result<D, FetchError>,
    until: Instant,
}

/// A document that is used while it cannot be fetched.
#[derive(Clone, Debug)]
struct Fallback<D> {
    document: D,
    until: Instant,
}

impl<V> Default for DocumentCache<V> {
    fn default() -> Self {
        Self { entries: Cache::new(ENTRIES_MAX), fallbacks: Cache::new(FALLBACKS_MAX) }
    }
}

impl<V> DocumentCache<V> {
    /// The document of this name, from the cache or from `fetch`. Errors are cached, too.
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

    /// Restores a document that was fetched `age` ago as a fallback, unless there is a newer one.
    pub(crate) fn restore(&self, name: String, document: V, age: Duration) {
        let Some(duration) = FALLBACK_FOR_MAX.checked_sub(age) else { return };
        if self.fallbacks.get(&name).is_none() {
            let document = Arc::new(document);
            self.fallbacks.insert(name, Fallback { document, until: Instant::now() + duration });
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

    /// The cached entry of an outcome. `Err` is not cached: a refused fetch counts for each request.
    fn entry(&self, name: &str, outcome: Result<V, FetchError>) -> Result<Entry<Arc<V>>, FetchError> {
        let entry = |outcome, duration| Entry { outcome, until: Instant::now() + duration };
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
