//! The cost of a fill in a holding of 99,000: reported in order, reported late, and thirty-two reported late together.
//! SQLite's one writer is held meanwhile.
//!
//! ```text
//! cargo run --release -p store --example late_fill -- sqlite:/var/tmp/late.db
//! cargo run --release -p store --example late_fill -- postgres://user:password@127.0.0.1:5432/empty
//! ```
#![expect(clippy::print_stdout, reason = "printing is what a measurement is for")]

use std::error::Error;
use std::ops::Range;
use std::time::{Duration, Instant};

use domain::{Currency, Fact, FactKind, Money, Side, Subject};
use jiff::Timestamp;
use store::{ApplyOutcome, DatabaseUrl, Job, Store, StoreConfig};
use webhooks::{Interpretation, alpaca};

/// Executions before the measured ones.
const KNOWN: i64 = 99_000;
/// Facts of one event while they are loaded.
const PORTION: usize = 3_000;
/// Executions of one order.
const FILLS_PER_ORDER: i64 = 10;
/// Fills that are reported in order.
const LATER: i64 = 100;
/// Fills that are reported late, one by one.
const LATE: i64 = 5;
/// Fills that are reported late in one transaction.
const TOGETHER: i64 = 32;
/// When the first execution happened, in seconds since 1970.
const BEGIN_S: i64 = 1_700_000_000;
/// Duration of a lease.
const HOLD: Duration = Duration::from_secs(600);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let text =
        std::env::args().nth(1).ok_or("give the URL of an empty database: sqlite:… or postgres://…")?;
    let url: DatabaseUrl = text.parse()?;
    println!("{url}");
    let store = Store::open(StoreConfig::new(url), audit::Key::new(&[7; 32])?, Timestamp::now()).await?;
    let known = fills(0..KNOWN)?;
    let started = Instant::now();
    for portion in known.chunks(PORTION) {
        apply(&store, vec![portion.to_vec()]).await?;
    }
    println!("{KNOWN} fills in portions of {PORTION}: {:?} each", started.elapsed() / u32::try_from(KNOWN)?);
    let mut cost = Duration::ZERO;
    for number in KNOWN..KNOWN + LATER {
        cost += apply(&store, vec![fills(number..number + 1)?]).await?;
    }
    println!("one fill in order, with its commit: {:?}", cost / u32::try_from(LATER)?);
    for number in 0..LATE {
        let late = late(KNOWN * 2 + number * FILLS_PER_ORDER)?;
        println!("one fill reported late, with its commit: {:?}", apply(&store, vec![late]).await?);
    }
    let events = (0..TOGETHER).map(|number| late(KNOWN * 3 + number * FILLS_PER_ORDER));
    let events = events.collect::<Result<Vec<_>, _>>()?;
    println!("{TOGETHER} events reported late, in one transaction: {:?}", apply(&store, events).await?);
    store.close().await;
    Ok(())
}

/// Applies events that mean these facts, in one transaction; how long that took.
async fn apply(store: &Store, events: Vec<Vec<Fact>>) -> Result<Duration, Box<dyn Error>> {
    let now = Timestamp::now();
    for number in 0..events.len() {
        let id = format!("{}-{number}", now.as_nanosecond());
        let body = format!(
            r#"{{"account_id":"a1","at":"2026-01-02T15:04:05Z","event":"new","event_id":"{id}","order":{{"id":"{id}","symbol":"AAPL"}}}}"#
        );
        store.receive(&alpaca::from_stream(alpaca::Kind::Trade, &id, body.into())?, now).await?;
    }
    let leased: Vec<Job> = store.lease("example", store::LEASE_MAX, HOLD, Timestamp::now()).await?;
    let jobs: Vec<_> = leased.into_iter().zip(events.into_iter().map(Interpretation::Facts)).collect();
    let started = Instant::now();
    let outcomes = store.apply_all(&jobs, &ledger::Rules::default(), Timestamp::now()).await?;
    let took = started.elapsed();
    match outcomes.iter().find(|outcome| !matches!(outcome, ApplyOutcome::Done)) {
        Some(other) => Err(format!("{other:?}").into()),
        None => Ok(took),
    }
}

/// Executions of one holding, one each second, ten to an order.
fn fills(numbers: Range<i64>) -> Result<Vec<Fact>, Box<dyn Error>> {
    numbers.map(|number| fill(number, BEGIN_S + number)).collect()
}

/// An execution of an order of its own, before nearly all others.
fn late(number: i64) -> Result<Vec<Fact>, Box<dyn Error>> {
    Ok(vec![fill(number, BEGIN_S + 1)?])
}

fn fill(number: i64, at_s: i64) -> Result<Fact, Box<dyn Error>> {
    let (order, cumulative) = (number / FILLS_PER_ORDER, number % FILLS_PER_ORDER + 1);
    let kind = FactKind::Fill {
        order: format!("alpaca:o{order}").parse()?,
        execution: format!("alpaca:e{number}").parse()?,
        side: Side::Buy,
        cumulative: cumulative.to_string().parse()?,
        notional: Money::from_minor(cumulative * 10_000, Currency::Usd),
    };
    let subject = Subject::Holding { account: "alpaca:a1".parse()?, symbol: "AAPL".parse()? };
    Ok(Fact { subject, at: Timestamp::from_second(at_s)?, kind })
}
