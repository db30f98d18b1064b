//! Random worlds: three simulated providers with books of their own. Their events arrive in any order, several times and under
//! new ids, while whoever receives and applies them crashes. Afterwards our books are theirs.
//!
//! `WORLDS=1000` runs so many worlds on each database, `WORLD=17` that one.

mod books;
mod broker;
mod coins;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use domain::{AccountScope, Provider};
use jiff::{SignedDuration, Timestamp};
use reconciliation::{Period, reconcile_statement};
use serde_json::{Value, json};
use store::{Actor, Job, Moment, RebuildMode, Store, StoreConfig};
use tests::Postgres;
use tests::providers::{BRIDGE_KEY, CIRCLE_KEY, CIRCLE_KEY_ID, USDC_TOKEN_ID};
use tests::random::Random;
use tests::signer::Signer;
use webhooks::circle::direct::{self, PublicKey};
use webhooks::{Delivery, KeyFormat, Keys, ProviderSettings, SettingValue, bridge, interpret};

use books::{Books, Event, Source};
use broker::simulate;
use coins::Coins;

/// Worlds of a run on each database.
const WORLDS: u64 = 2;
const LEASE: Duration = Duration::from_secs(30);
/// Between two rounds, so that leases of a crashed round have expired.
const ROUND: SignedDuration = SignedDuration::from_secs(61);
const SHORTEST_CRASH: Duration = Duration::from_micros(50);

/// The providers' keys.
struct Senders {
    signer: Signer,
    bridge: Keys,
    circle: PublicKey,
}

/// What three providers report of a month, and what they have on record.
struct World {
    events: Vec<Event>,
    books: BTreeMap<Provider, Books>,
}

enum Database {
    Sqlite(tempfile::TempDir),
    Postgres(Arc<Postgres>, String),
}

impl Senders {
    fn new() -> Self {
        let signer = Signer::start();
        let bridge = Keys::parse(KeyFormat::RsaPublicKeys, &signer.key(BRIDGE_KEY, "2048").pem).unwrap();
        let circle = signer.key(CIRCLE_KEY, "P-256").der;
        let circle = PublicKey::new(CIRCLE_KEY_ID, "ECDSA_SHA_256", &circle).unwrap();
        Self { signer, bridge, circle }
    }

    /// The event as a message with this id.
    fn delivery(&self, event: &Event, id: &str) -> Delivery {
        let mut body = event.body.clone();
        let headers = |pairs: &[(&'static str, String)]| -> HeaderMap {
            let header = |(name, value): &(&'static str, String)| {
                (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
            };
            pairs.iter().map(header).collect()
        };
        match event.source {
            Source::Alpaca(kind) => {
                body["event_id"] = json!(id);
                webhooks::alpaca::from_stream(kind, id, body.to_string().into()).unwrap()
            }
            Source::Bridge => {
                body["event_id"] = json!(id);
                let body = body.to_string();
                let signature = self.signer.bridge(BRIDGE_KEY, start().as_millisecond(), body.as_bytes());
                let headers = headers(&[(bridge::SIGNATURE_HEADER, signature)]);
                let endpoint = "bridge".parse().unwrap();
                let settings = ProviderSettings::default().provider(Provider::Bridge).clone();
                bridge::verify(&self.bridge, &settings, endpoint, &headers, Bytes::from(body), start())
                    .unwrap()
            }
            Source::Circle => {
                body["notificationId"] = json!(id);
                let body = body.to_string();
                let signature = self.signer.circle(CIRCLE_KEY, body.as_bytes());
                let headers = headers(&[
                    (direct::SIGNATURE_HEADER, signature),
                    (direct::KEY_ID_HEADER, CIRCLE_KEY_ID.to_owned()),
                ]);
                direct::verify(&self.circle, &headers, Bytes::from(body)).unwrap()
            }
        }
    }
}

impl World {
    fn new(random: &mut Random) -> Self {
        let first = "2026-03-03T00:00:00Z".parse().unwrap();
        let (mut events, broker) = simulate(random, first);
        let coins = Coins::simulate(random, first);
        events.extend(coins.events);
        let books =
            [(Provider::Alpaca, broker), (Provider::Bridge, coins.bridge), (Provider::Circle, coins.circle)];
        Self { events, books: books.into() }
    }

    /// Each event once or more often, in any order.
    fn deliveries(&self, senders: &Senders, random: &mut Random) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        for (number, event) in self.events.iter().enumerate() {
            let first = senders.delivery(event, &format!("event-{number}"));
            if random.once_in(6) {
                deliveries.push(first.clone());
            }
            deliveries.push(first);
            if random.once_in(6) {
                let mut again = event.clone();
                if let Some(name) = event.sent_at.filter(|_| random.once_in(2)) {
                    let sent_at: Timestamp = event.body[name].as_str().unwrap().parse().unwrap();
                    again.body[name] = Value::String((sent_at + SignedDuration::from_mins(5)).to_string());
                }
                deliveries.push(senders.delivery(&again, &format!("again-{number}")));
            }
        }
        random.shuffle(&mut deliveries);
        deliveries
    }
}

impl Database {
    async fn open(&self, at: Timestamp) -> Store {
        let url = match self {
            Self::Sqlite(directory) => format!("sqlite:{}", directory.path().join("books.db").display()),
            Self::Postgres(cluster, name) => cluster.url(name),
        };
        let key = audit::Key::new(b"a key of tests, of thirty-two bytes and more").unwrap();
        Store::open(StoreConfig::new(url.parse().unwrap()), key, at).await.unwrap()
    }

    /// Ends the connections of all stores, if they have some to a server.
    async fn end_connections(&self) {
        if let Self::Postgres(cluster, name) = self {
            let end = format!(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                 WHERE datname = '{name}' AND pid <> pg_backend_pid()"
            );
            let cluster = Arc::clone(cluster);
            tokio::task::spawn_blocking(move || cluster.execute("postgres", &end)).await.unwrap();
        }
    }
}

fn start() -> Timestamp {
    "2026-04-01T00:00:00Z".parse().unwrap()
}

fn settings() -> ProviderSettings {
    let tokens = SettingValue::List(vec![USDC_TOKEN_ID.to_owned()]);
    ProviderSettings::default().with("webhooks.circle.usdc_token_ids", &tokens)
}

/// Receives and applies everything. Crashes at any time: an answer is not waited for, a store is opened again, connections end.
async fn receive_and_apply(database: &Database, mut deliveries: Vec<Delivery>, random: &mut Random) -> Store {
    let (mut at, mut store) = (start(), database.open(start()).await);
    loop {
        at += ROUND;
        for _ in 0..1 + random.below(40) {
            let Some(delivery) = deliveries.pop() else { break };
            let limit = if random.once_in(30) { crash(random) } else { LEASE };
            match tokio::time::timeout(limit, store.receive(&delivery, at)).await {
                Ok(Ok(_)) => {}
                // It was not acknowledged.
                Ok(Err(_)) | Err(_) => deliveries.insert(0, delivery),
            }
        }
        let jobs = store.lease("worker", 1 + random.below(60) as u32, LEASE, at).await;
        let jobs: Vec<Job> = jobs.unwrap_or_default();
        let interpreted = |job: Job| {
            let interpretation = interpret(job.channel(), job.body(), &settings());
            (job, interpretation)
        };
        let jobs: Vec<_> = jobs.into_iter().map(interpreted).collect();
        let rules = ledger::Rules::default();
        match random.below(16) {
            0 => drop(tokio::time::timeout(crash(random), store.apply_all(&jobs, &rules, at)).await),
            1 => drop(tokio::join!(store.apply_all(&jobs, &rules, at), database.end_connections())),
            2 => {
                if random.once_in(2) {
                    store.close().await;
                }
                store = database.open(at).await;
            }
            _ => drop(store.apply_all(&jobs, &rules, at).await),
        }
        if deliveries.is_empty() && jobs.is_empty() {
            let backlog = store.backlog().await.unwrap();
            if backlog.iter().all(|backlog| backlog.unfinished == 0) {
                assert!(backlog.iter().all(|backlog| backlog.dead == 0), "{backlog:?}");
                return store;
            }
        }
    }
}

fn crash(random: &mut Random) -> Duration {
    SHORTEST_CRASH * 2_u32.pow(u32::try_from(random.below(9)).unwrap())
}

/// The whole books are the fold of what was reported, every currency sums to zero, and what is available is what the providers say.
async fn check_books(store: &Store, world: &World) {
    let verified = store.verify_ledger(None, |_, _| ()).await.unwrap();
    assert_eq!(verified.findings, [], "{verified:#?}");
    let ratio = ledger::Rules::default().stash_ratio;
    let rebuilt = store
        .rebuild_ledger(RebuildMode::DryRun, &settings(), ratio, Actor::named("test"), start())
        .await
        .unwrap();
    assert_eq!(rebuilt, store::Rebuild::default());
    let page =
        store.account_balances((&AccountScope::All, None), Moment::default(), None, 500).await.unwrap();
    let (mut sums, mut available) = (BTreeMap::new(), BTreeMap::new());
    for balance in page.balances {
        let currency = balance.posted.currency().as_str();
        *sums.entry(currency).or_insert(0) += balance.posted.minor();
        if let (Some(with_pending), Some(of_holder)) =
            (balance.with_pending, balance.account.strip_prefix("user/"))
        {
            let holder = of_holder.split('/').next().unwrap().to_owned();
            *available.entry((holder, currency)).or_insert(0) += with_pending.available().minor();
        }
    }
    assert!(sums.values().all(|sum| *sum == 0), "{sums:?}");
    let mut expected: BTreeMap<(String, &str), i128> = BTreeMap::new();
    for (provider, books) in &world.books {
        for (sign, of_books) in [(1, &books.money), (-1, &books.leaving)] {
            for ((account, currency), minor) in of_books {
                *expected.entry((format!("{provider}:{account}"), currency.code)).or_default() +=
                    sign * minor;
            }
        }
    }
    expected.retain(|_, minor| *minor != 0);
    available.retain(|_, minor| *minor != 0);
    assert_eq!(available, expected);
}

/// The statements of all providers are equal to the books, and one that is changed is not.
async fn check_statements(store: &Store, world: &World) {
    let march = Period { from: "2026-03-01".parse().unwrap(), to: "2026-03-31".parse().unwrap() };
    let now = "2026-04-10T00:00:00Z".parse().unwrap();
    for (provider, books) in &world.books {
        let compare = async |books: &Books| {
            let statement = reconciliation::parse_csv(books.statement().as_bytes(), *provider).unwrap();
            reconcile_statement(store, *provider, statement, march, now).await.unwrap().report
        };
        assert_eq!(compare(books).await.mismatches, [], "{provider}");
        let mut other = books.clone();
        *other.money.values_mut().next().unwrap() += 1;
        let found = compare(&other).await.mismatches;
        assert!(matches!(&found[..], [one] if one.kind.is_difference()), "{found:#?}");
    }
}

#[expect(clippy::disallowed_methods, reason = "the number of worlds is no setting of the product")]
fn seeds() -> std::ops::Range<u64> {
    let number = |name| std::env::var(name).ok().map(|number| number.parse::<u64>().unwrap());
    match number("WORLD") {
        Some(seed) => seed..seed + 1,
        None => 1..1 + number("WORLDS").unwrap_or(WORLDS),
    }
}

async fn run(open: impl Fn(u64) -> Database) {
    let senders = Senders::new();
    for seed in seeds() {
        // Shown if it fails.
        eprintln!("world {seed}");
        let mut random = Random::from_seed(seed);
        let world = World::new(&mut random);
        let deliveries = world.deliveries(&senders, &mut random);
        let database = open(seed);
        let store = receive_and_apply(&database, deliveries, &mut random).await;
        check_books(&store, &world).await;
        check_statements(&store, &world).await;
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn books_on_sqlite_are_those_of_the_providers_whatever_crashes() {
    run(|_| Database::Sqlite(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn books_on_postgres_are_those_of_the_providers_whatever_crashes() {
    let cluster = Arc::new(Postgres::start());
    run(|seed| {
        let name = format!("world_{seed}");
        drop(cluster.create_database(&name));
        Database::Postgres(Arc::clone(&cluster), name)
    })
    .await;
}
