//! How many deliveries a second become durable, with 1, 16 and 64 callers that each wait for their receipt; then the same
//! while a worker applies the events.
//!
//! For comparison, on the same disk in the same run: how often a second a file can be appended to and synced, and the rate
//! of one commit for each delivery (one caller at a time, so no batch holds two).
//!
//! ```text
//! cargo run --release -p store --example receive_rate -- sqlite:/var/tmp/rate.db
//! cargo run --release -p store --example receive_rate -- postgres://user:password@127.0.0.1:5432/empty
//! ```
#![expect(clippy::print_stdout, reason = "printing is what a measurement is for")]

use std::error::Error;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use store::{ApplyOutcome, DatabaseUrl, Job, Receipt, Store, StoreConfig};
use tokio::sync::Mutex;
use webhooks::{Delivery, ProviderSettings, alpaca};

/// Duration of each measurement.
const MEASURED: Duration = Duration::from_secs(4);
/// Events that the worker applies in one transaction.
const BATCH_EVENTS: u32 = 512;
/// Accounts that trade; each has money to buy shares for.
const ACCOUNTS: u64 = 1_000;
/// About the size of a trade event with its order.
const BODY_BYTES: usize = 1_200;
/// Size of one append of the control: a page of SQLite and the header of its frame in the log.
const SYNCED_BYTES: usize = 4_120;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let text =
        std::env::args().nth(1).ok_or("give the URL of an empty database: sqlite:… or postgres://…")?;
    let url: DatabaseUrl = text.parse()?;
    let directory = url.sqlite_file().and_then(Path::parent).map_or_else(std::env::temp_dir, Path::to_owned);
    println!("{url}, bodies of {BODY_BYTES} bytes, {} s a line", MEASURED.as_secs());
    println!("{:>28}  {:>9.0} /s", "append 4 KiB and fsync", syncs(&directory, Place::End)?);
    println!("{:>28}  {:>9.0} /s", "overwrite 4 KiB and fsync", syncs(&directory, Place::Start)?);
    let key = audit::Key::new(&[7; 32])?;
    let store = Store::open(StoreConfig::new(url), key, Timestamp::now()).await?;
    for account in 0..ACCOUNTS {
        store.receive(&funding(account), Timestamp::now()).await?;
    }
    let funded = work(store.clone(), u32::try_from(ACCOUNTS)?, Instant::now() + MEASURED).await;
    println!("{:>28}  {funded:>9.0} /s", "applied: deposits");
    let control = callers(&store, 64, Pace::OneByOne).await?;
    println!("{:>28}  {control:>9.0} /s", "one commit for each, control");
    for count in [1, 16, 64] {
        let rate = callers(&store, count, Pace::Together).await?;
        println!("{:>28}  {rate:>9.0} /s  {:.1} x control", format!("{count} callers"), rate / control);
    }
    let worker = tokio::spawn(work(store.clone(), u32::MAX, Instant::now() + MEASURED));
    let rate = callers(&store, 64, Pace::Together).await?;
    println!("{:>28}  {rate:>9.0} /s", "64 callers beside a worker");
    println!("{:>28}  {:>9.0} /s", "that worker", worker.await?);
    println!(
        "{:>28}  {:>9.0} /s",
        "a worker alone",
        work(store.clone(), u32::MAX, Instant::now() + MEASURED).await
    );
    store.close().await;
    Ok(())
}

/// Applies events until a number or a time; gives how many a second: leased, interpreted, folded, posted, audited.
async fn work(store: Store, count: u32, until: Instant) -> f64 {
    let (started, mut applied) = (Instant::now(), 0_u32);
    let (settings, rules) = (ProviderSettings::default(), ledger::Rules::default());
    while applied < count && Instant::now() < until {
        let leased = store.lease("example", BATCH_EVENTS, Duration::from_secs(60), Timestamp::now()).await;
        let interpreted = |job: Job| {
            let interpretation = webhooks::interpret(job.channel(), job.body(), &settings);
            (job, interpretation)
        };
        let batch: Vec<_> = leased.unwrap_or_default().into_iter().map(interpreted).collect();
        let outcomes = store.apply_all(&batch, &rules, Timestamp::now()).await.unwrap_or_default();
        applied +=
            outcomes.iter().map(|outcome| u32::from(matches!(outcome, ApplyOutcome::Done))).sum::<u32>();
    }
    f64::from(applied) / started.elapsed().as_secs_f64()
}

#[derive(Clone, Copy)]
enum Pace {
    /// Each delivery has a commit of its own.
    OneByOne,
    /// Callers only wait for their own receipts.
    Together,
}

async fn callers(store: &Store, count: usize, pace: Pace) -> Result<f64, Box<dyn Error>> {
    static SERIAL: AtomicU64 = AtomicU64::new(0);
    let turn = Arc::new(Mutex::new(()));
    let started = Instant::now();
    let calls: Vec<_> = (0..count)
        .map(|_| {
            let (store, turn) = (store.clone(), turn.clone());
            tokio::spawn(async move {
                let mut count = 0_u32;
                while started.elapsed() < MEASURED {
                    let delivery = delivery(SERIAL.fetch_add(1, Ordering::Relaxed));
                    let _turn = match pace {
                        Pace::OneByOne => Some(turn.lock().await),
                        Pace::Together => None,
                    };
                    if let Ok(Receipt::Stored(_)) = store.receive(&delivery, Timestamp::now()).await {
                        count += 1;
                    }
                }
                count
            })
        })
        .collect();
    let mut count = 0.0;
    for call in calls {
        count += f64::from(call.await?);
    }
    Ok(count / started.elapsed().as_secs_f64())
}

/// Money for an account.
fn funding(account: u64) -> Delivery {
    let now = Timestamp::now();
    let id = format!("{}-{account}", now.as_nanosecond());
    let body = format!(
        r#"{{"account_id":"a{account}","at":"{now}","event_ulid":"{id}","ref_id":"{id}","activity_type":"JNLC","net_amount":"1000000000","currency":"USD","status":"executed","details":{{}}}}"#
    );
    alpaca::from_stream(alpaca::Kind::Activity, &id, body.into()).expect("the body is an entry")
}

/// A fill with ids of its own, later than those before it, padded to the usual size.
fn delivery(serial: u64) -> Delivery {
    let now = Timestamp::now();
    let id = format!("{}-{serial}", now.as_nanosecond());
    let head = format!(
        r#"{{"account_id":"a{}","at":"{now}","event":"fill","event_id":"{id}","execution_id":"e{id}","timestamp":"{now}","price":"100","qty":"1","order":{{"id":"o{id}","symbol":"AAPL","side":"buy","filled_qty":"1","filled_avg_price":"100","status":"filled","client_order_id":""#,
        serial % ACCOUNTS
    );
    let tail = r#""}}"#;
    let padding = "x".repeat(BODY_BYTES.saturating_sub(head.len() + tail.len()));
    let body = format!("{head}{padding}{tail}");
    alpaca::from_stream(alpaca::Kind::Trade, &id, body.into()).expect("the body is a trade event")
}

/// Where a control writes. SQLite's log grows until it is copied into the file, and is then overwritten from its start.
#[derive(Clone, Copy)]
enum Place {
    End,
    Start,
}

/// Writes and syncs a second on the directory's disk.
fn syncs(directory: &Path, place: Place) -> std::io::Result<f64> {
    let path = directory.join(format!(".syncs-{}", std::process::id()));
    let mut file = std::fs::File::create(&path)?;
    let started = Instant::now();
    let mut count = 0_u32;
    while started.elapsed() < MEASURED {
        match place {
            Place::End => file.write_all(&[0x5a; SYNCED_BYTES])?,
            Place::Start => file.write_all_at(&[0x5a; SYNCED_BYTES], 0)?,
        }
        file.sync_all()?;
        count += 1;
    }
    let rate = f64::from(count) / started.elapsed().as_secs_f64();
    std::fs::remove_file(path)?;
    Ok(rate)
}
