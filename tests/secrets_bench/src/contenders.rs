//! Ways to cache one secret. A read returns the length of its value.

use std::collections::HashMap;
use std::error::Error;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use aws_secretsmanager_caching::SecretsManagerCachingClient;
use secrets::{Catalogue, Profile, SecretHandle, SecretValue, Secrets};
use tests::secrets_manager::FakeSecretsManager;
use tokio::runtime::{Builder, Runtime};

use crate::account::{PREFIX, clock, manager, sdk};

const NAME: &str = "polygon_api_key";
const VALUE: &str = "a-key-of-an-example";
/// Time to live in each cache: far longer than a run.
const TTL: Duration = Duration::from_secs(300);
/// The AWS crate's default.
const ENTRIES_MAX: usize = 1_000;

/// Reads so many times and returns the elapsed time.
type Loop = Box<dyn Fn(u32) -> Duration + Send>;

pub(crate) struct Contender {
    pub(crate) name: &'static str,
    reader: Box<dyn Fn() -> Loop>,
}

impl Contender {
    /// A reader for one thread.
    pub(crate) fn reader(&self) -> Loop {
        (self.reader)()
    }
}

/// All contenders, ours first.
pub(crate) fn all(fake: &FakeSecretsManager) -> Result<Vec<Contender>, Box<dyn Error>> {
    let id = format!("{PREFIX}/polygon-api-key");
    fake.seed(&id, VALUE);
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.block_on(ours(fake))?;
    let cached = runtime.block_on(aws_crate(fake, &id))?;
    let contenders = vec![
        contender("`SecretHandle::load`, counted and audited", handle.clone(), |handle| {
            handle.load().map_or(0, |set| set.value().len())
        }),
        contender("`SecretHandle::with`, counted and audited", handle, |handle| {
            handle.with(|set| set.value().len()).unwrap_or_default()
        }),
        contender("`RwLock` and a clone of an `Arc`", Arc::new(RwLock::new(value())), |lock| {
            lock.read().map_or(0, |value| SecretValue::clone(&value).len())
        }),
        contender("`RwLock<HashMap>` and a clone of an `Arc`", locked_map(), |map| {
            let value = map.read().ok().and_then(|map| map.get(black_box(NAME)).cloned());
            value.map_or(0, |value| value.len())
        }),
        contender("moka, with a time to live", moka(), |cache| {
            cache.get(black_box(NAME)).map_or(0, |value| value.len())
        }),
        aws(cached, id),
    ];
    Ok(contenders)
}

/// A handle of one AWS secret, with a recorder and an audit sink.
async fn ours(fake: &FakeSecretsManager) -> Result<SecretHandle, Box<dyn Error>> {
    let spec = Catalogue::product().get(NAME).cloned();
    let secrets = Secrets::builder(Profile::Development, Catalogue::new(spec)?, clock())
        .source(manager(fake).await?)
        .recorder(Arc::new(|event| {
            black_box(event);
        }))
        .audit(Arc::new(|event| {
            black_box(event);
            Ok(())
        }))
        .build()
        .await?;
    Ok(secrets.handle(NAME, "bench")?)
}

fn locked_map() -> Arc<RwLock<HashMap<String, SecretValue>>> {
    Arc::new(RwLock::new(HashMap::from([(NAME.to_owned(), value())])))
}

fn moka() -> moka::sync::Cache<String, SecretValue> {
    let cache = moka::sync::Cache::builder().max_capacity(100).time_to_live(TTL).build();
    cache.insert(NAME.to_owned(), value());
    cache
}

fn value() -> SecretValue {
    SecretValue::from_slice(VALUE.as_bytes())
}

/// The AWS crate with a warm cache.
async fn aws_crate(
    fake: &FakeSecretsManager,
    id: &str,
) -> Result<Arc<SecretsManagerCachingClient>, Box<dyn Error>> {
    let entries = NonZeroUsize::new(ENTRIES_MAX).ok_or("a cache of nothing")?;
    let client = SecretsManagerCachingClient::from_builder(sdk(fake), entries, TTL, true).await?;
    let first = client.get_secret_value(id, None, None, false).await?;
    assert_eq!(first.secret_string.as_deref(), Some(VALUE), "the cache is warm");
    Ok(Arc::new(client))
}

fn contender<T: Clone + Send + 'static>(
    name: &'static str,
    subject: T,
    read: impl Fn(&T) -> usize + Copy + Send + 'static,
) -> Contender {
    let reader = move || -> Loop {
        let subject = subject.clone();
        Box::new(move |reads| {
            let started = Instant::now();
            for _ in 0..reads {
                black_box(read(black_box(&subject)));
            }
            started.elapsed()
        })
    };
    Contender { name, reader: Box::new(reader) }
}

/// Its reads are futures, awaited in one task, so that no read pays for entering a runtime.
fn aws(client: Arc<SecretsManagerCachingClient>, id: String) -> Contender {
    let reader = move || -> Loop {
        let (client, id) = (Arc::clone(&client), id.clone());
        let runtime: Runtime =
            Builder::new_current_thread().enable_all().build().expect("a runtime without threads");
        Box::new(move |reads| {
            runtime.block_on(async {
                let started = Instant::now();
                for _ in 0..reads {
                    let read = client.get_secret_value(black_box(&id), None, None, false).await;
                    black_box(read.ok().and_then(|read| Some(read.secret_string?.len())));
                }
                started.elapsed()
            })
        })
    };
    Contender { name: "`aws_secretsmanager_caching`, a hit", reader: Box::new(reader) }
}
