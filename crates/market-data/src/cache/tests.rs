use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::{advance, sleep};

use super::*;

struct Source {
    cache: Cache<usize>,
    fetches: Arc<AtomicUsize>,
    stats: Arc<Stats>,
}

impl Source {
    fn new(config: CacheConfig) -> Self {
        let stats = Arc::new(Stats::default());
        Self { cache: Cache::new(config, stats.clone()), fetches: Arc::default(), stats }
    }

    /// A fetch of one second that ends as `outcome` says, given its number from 1.
    async fn get(
        &self,
        symbol: &str,
        outcome: impl FnOnce(usize) -> Result<FetchedValue<usize>, Error> + Send + 'static,
    ) -> Result<(usize, Freshness), Error> {
        let fetches = self.fetches.clone();
        let fetch = move |_| async move {
            let number = fetches.fetch_add(1, Ordering::SeqCst) + 1;
            sleep(Duration::from_secs(1)).await;
            outcome(number)
        };
        let result = self.cache.get(symbol.parse().unwrap(), fetch).await;
        result.map(|(value, freshness)| (*value, freshness))
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

fn whole(number: usize) -> Result<FetchedValue<usize>, Error> {
    Ok(FetchedValue { value: number, is_partial: false, age: Duration::ZERO })
}

fn outage(_: usize) -> Result<FetchedValue<usize>, Error> {
    Err(Error::Unavailable { kind: Outage::Timeout, retry_after_s: 5 })
}

const FRESH: Freshness = Freshness::Fresh;

#[tokio::test(start_paused = true)]
async fn fifty_callers_make_one_fetch() {
    let source = Arc::new(Source::new(CacheConfig::default()));
    let callers: Vec<_> = (0..50)
        .map(|_| {
            let source = source.clone();
            tokio::spawn(async move { source.get("A", whole).await })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), Ok((1, FRESH)));
    }
    assert_eq!(source.fetches(), 1);
    assert_eq!((source.stats.snapshot().cache_misses, source.stats.snapshot().cache_joined), (1, 49));
}

#[tokio::test(start_paused = true)]
async fn a_value_is_fresh_then_stale_while_one_fetch_runs_then_fresh_again() {
    let source = Source::new(CacheConfig::default());
    assert_eq!(source.get("A", whole).await, Ok((1, FRESH)));
    assert_eq!(source.get("A", whole).await, Ok((1, FRESH)));
    advance(Duration::from_secs(301)).await;
    let stale = Freshness::Stale { age_s: 301 };
    assert_eq!(source.get("A", whole).await, Ok((1, stale)));
    assert_eq!(source.get("A", whole).await, Ok((1, stale)), "the second caller starts no second fetch");
    sleep(Duration::from_secs(2)).await;
    assert_eq!(source.get("A", whole).await, Ok((2, FRESH)));
    assert_eq!(source.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failed_refresh_keeps_the_stale_value_until_its_end_and_then_fails() {
    let source = Source::new(CacheConfig::default());
    source.get("A", whole).await.unwrap();
    advance(Duration::from_secs(1_000)).await;
    source.get("A", outage).await.unwrap();
    sleep(Duration::from_secs(2)).await;
    assert_eq!(source.get("A", outage).await, Ok((1, Freshness::Stale { age_s: 1_002 })));
    assert_eq!(source.fetches(), 2, "a fresh failure is not fetched again");
    advance(Duration::from_secs(24 * 3600)).await;
    assert_eq!(
        source.get("A", outage).await,
        Err(Error::Unavailable { kind: Outage::Timeout, retry_after_s: 5 })
    );
}

#[tokio::test(start_paused = true)]
async fn a_remembered_failure_has_the_rest_of_its_wait() {
    let source = Source::new(CacheConfig::default());
    source.get("A", outage).await.unwrap_err();
    advance(Duration::from_secs(3)).await;
    let again = source.get("A", whole).await;
    assert_eq!(again, Err(Error::Unavailable { kind: Outage::Timeout, retry_after_s: 2 }));
    advance(Duration::from_secs(2)).await;
    assert_eq!(source.get("A", whole).await, Ok((2, FRESH)));
    assert_eq!(source.stats.snapshot().cache_negative, 1);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_symbol_is_fetched_once_in_ten_minutes() {
    let source = Source::new(CacheConfig::default());
    let unknown = |_| Err(Error::UnknownSymbol { symbol: "A".parse().unwrap(), similar: vec![] });
    for _ in 0..100 {
        source.get("A", unknown).await.unwrap_err();
    }
    assert_eq!(source.fetches(), 1);
    advance(Duration::from_secs(601)).await;
    source.get("A", unknown).await.unwrap_err();
    assert_eq!(source.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_does_not_stop_the_fetch() {
    let source = Arc::new(Source::new(CacheConfig::default()));
    let caller = tokio::spawn({
        let source = source.clone();
        async move { source.get("A", whole).await }
    });
    sleep(Duration::from_millis(500)).await;
    caller.abort();
    assert_eq!(source.get("A", whole).await, Ok((1, FRESH)), "it joins the first caller's fetch");
    assert_eq!(source.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_and_leaves_no_fetch_behind() {
    let source = Source::new(CacheConfig::default());
    let panics = |_| panic!("on purpose");
    let failed = source.get("A", panics).await;
    assert_eq!(failed, Err(Error::Unavailable { kind: Outage::Internal, retry_after_s: 1 }));
    advance(Duration::from_secs(1)).await;
    assert_eq!(source.get("A", whole).await, Ok((2, FRESH)));
}

#[tokio::test(start_paused = true)]
async fn a_partial_value_is_fetched_again_sooner() {
    let source = Source::new(CacheConfig::default());
    source.get("A", |value| Ok(FetchedValue { value, is_partial: true, age: Duration::ZERO })).await.unwrap();
    advance(Duration::from_secs(31)).await;
    assert_eq!(source.get("A", whole).await, Ok((1, Freshness::Stale { age_s: 31 })));
}

#[tokio::test(start_paused = true)]
async fn a_value_of_another_replica_is_as_old_as_it_is_there() {
    let source = Source::new(CacheConfig::default());
    let aged =
        |age_s| move |value| Ok(FetchedValue { value, is_partial: false, age: Duration::from_secs(age_s) });
    let stale = |age_s| Freshness::Stale { age_s };
    assert_eq!(source.get("A", aged(299)).await, Ok((1, FRESH)));
    advance(Duration::from_secs(2)).await;
    assert_eq!(source.get("A", aged(3600)).await, Ok((1, stale(301))));
    sleep(Duration::from_secs(10)).await;
    assert_eq!(source.get("A", whole).await, Ok((2, stale(3609))));
    assert_eq!(source.fetches(), 2, "the source is away, and is not asked again at once");
    assert_eq!(source.get("B", aged(3600)).await, Ok((3, stale(3600))), "whoever waits sees it, too");
    advance(Duration::from_secs(31)).await;
    assert_eq!(source.get("B", whole).await, Ok((3, stale(3631))));
    sleep(Duration::from_secs(10)).await;
    assert_eq!(source.get("B", whole).await, Ok((4, FRESH)));
}

#[tokio::test(start_paused = true)]
async fn values_failures_and_fetches_have_bounds() {
    let config = CacheConfig { symbols_max: 2, fetches_max: 1, ..CacheConfig::default() };
    let source = Arc::new(Source::new(config));
    for symbol in ["A", "B", "C"] {
        source.get(symbol, whole).await.unwrap();
    }
    assert_eq!(source.cache.entries().len(), 2);
    assert_eq!(source.stats.snapshot().cache_evictions, 1);
    let first = tokio::spawn({
        let source = source.clone();
        async move { source.get("D", whole).await }
    });
    sleep(Duration::from_millis(1)).await;
    assert_eq!(
        source.get("E", whole).await,
        Err(Error::Unavailable { kind: Outage::Busy, retry_after_s: 1 })
    );
    first.await.unwrap().unwrap();
    assert_eq!(source.get("E", whole).await, Ok((5, FRESH)), "busy is not remembered");
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_unknown_symbols_stay_within_the_bound() {
    let config = CacheConfig { failures_max: 50, ..CacheConfig::default() };
    let source = Source::new(config);
    for number in 0..100_000 {
        let name = format!("X{number}");
        let symbol = name.parse().unwrap();
        source.get(&name, move |_| Err(Error::UnknownSymbol { symbol, similar: vec![] })).await.unwrap_err();
    }
    assert_eq!(source.fetches(), 100_000);
    assert_eq!(source.cache.inner.lock().sizes(), (0, 50, 0));
}
