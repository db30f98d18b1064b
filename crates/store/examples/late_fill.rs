//! What a fill costs in a holding of 99,000: told in its order, told late, and thirty-two told late together. SQLite's one
//! writer is held meanwhile.
//!
//! ```text
//! cargo run --release -p store --example late_fill -- sqlite:/var/tmp/late.db
//! cargo run --release -p store --example late_fill -- postgres://user:password@127.0.0.1:5432/empty
//! ```
#![expect(clippy::print_stdout, reason = "printing is what a measurement is for")]

use std::error::Error;
use std::ops::Range;
use std::time::{Duration, Instant};

use domain::{Currency, Fact, Money, Side, Subject, What};
use jiff::Timestamp;
use store::{Applied, DatabaseUrl, Leased, Store, StoreConfig};
use webhooks::{Meaning, alpaca};

/// Executions that are there before the measured ones.
const KNOWN: i64 = 99_000;
/// Facts of one event while they are loaded.
const PORTION: usize = 3_000;
/// Executions of one order.
const FILLS_PER_ORDER: i64 = 10;
/// Fills that are told in their order.
const LATER: i64 = 100;
/// Fills that are told late, one by one.
const LATE: i64 = 5;
/// Fills that are told late in one transaction.
const TOGETHER: i64 = 32;
/// When the first execution happened, in seconds since 1970.
const BEGIN_S: i64 = 1_700_000_000;
/// Longest that work is held.
const HOLD: Duration = Duration::from_secs(600);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let text =
        std::env::args().nth(1).ok_or("give the URL of an empty database: sqlite:… or postgres://…")?;
    let url: DatabaseUrl = text.parse()?;
    println!("{url}");
    let store = Store::open(StoreConfig::new(url), audit::Key::new(&[7; 32])?, Timestamp::now()).await?;
    let known = fills(0..KNOWN)?;
    let begun = Instant::now();
    for portion in known.chunks(PORTION) {
        apply(&store, vec![portion.to_vec()]).await?;
    }
    println!("{KNOWN} fills in portions of {PORTION}: {:?} each", begun.elapsed() / u32::try_from(KNOWN)?);
    let mut cost = Duration::ZERO;
    for number in KNOWN..KNOWN + LATER {
        cost += apply(&store, vec![fills(number..number + 1)?]).await?;
    }
    println!("one fill in its order, with its commit: {:?}", cost / u32::try_from(LATER)?);
    for number in 0..LATE {
        let late = late(KNOWN * 2 + number * FILLS_PER_ORDER)?;
        println!("one fill told late, with its commit: {:?}", apply(&store, vec![late]).await?);
    }
    let events = (0..TOGETHER).map(|number| late(KNOWN * 3 + number * FILLS_PER_ORDER));
    let events = events.collect::<Result<Vec<_>, _>>()?;
    println!("{TOGETHER} events told late, in one transaction: {:?}", apply(&store, events).await?);
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
        store.receive(&alpaca::of_stream(alpaca::Kind::Trade, &id, body.into())?, now).await?;
    }
    let leased: Vec<Leased> = store.lease("example", store::LEASE_MAX, HOLD, Timestamp::now()).await?;
    let work: Vec<_> = leased.into_iter().zip(events.into_iter().map(Meaning::Facts)).collect();
    let begun = Instant::now();
    let applied = store.apply_all(&work, &ledger::Rules::default(), Timestamp::now()).await?;
    let took = begun.elapsed();
    match applied.iter().find(|applied| !matches!(applied, Applied::Done)) {
        Some(other) => Err(format!("{other:?}").into()),
        None => Ok(took),
    }
}

/// Executions of one holding, one each second, ten to an order.
fn fills(numbers: Range<i64>) -> Result<Vec<Fact>, Box<dyn Error>> {
    numbers.map(|number| fill(number, BEGIN_S + number)).collect()
}

/// An execution of an order of its own, when nearly all others were still to come.
fn late(number: i64) -> Result<Vec<Fact>, Box<dyn Error>> {
    Ok(vec![fill(number, BEGIN_S + 1)?])
}

fn fill(number: i64, at_s: i64) -> Result<Fact, Box<dyn Error>> {
    let (order, cumulative) = (number / FILLS_PER_ORDER, number % FILLS_PER_ORDER + 1);
    let what = What::Fill {
        order: format!("alpaca:o{order}").parse()?,
        execution: format!("alpaca:e{number}").parse()?,
        side: Side::Buy,
        cumulative: cumulative.to_string().parse()?,
        notional: Money::from_minor(cumulative * 10_000, Currency::Usd),
    };
    let subject = Subject::Holding { account: "alpaca:a1".parse()?, symbol: "AAPL".parse()? };
    Ok(Fact { subject, at: Timestamp::from_second(at_s)?, what })
}
