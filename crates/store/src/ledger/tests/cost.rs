//! What a holding of many executions costs. Run by hand: `cargo test -p store --lib cost -- --ignored --nocapture`.

use std::time::Instant;

use domain::{Fact, Side, Subject, What};
use jiff::Timestamp;

use super::books::Books;

/// Executions that are there before the measured ones.
const KNOWN: i64 = 99_000;
/// Facts of one transaction while they are loaded.
const PORTION: usize = 3_000;

fn fill(number: i64) -> Fact {
    let subject = Subject::Holding { account: "alpaca:a1".parse().unwrap(), symbol: "AAPL".parse().unwrap() };
    let what = What::Fill {
        order: format!("alpaca:o{}", number / 10).parse().unwrap(),
        execution: format!("alpaca:e{number}").parse().unwrap(),
        side: Side::Buy,
        cumulative: (number % 10 + 1).to_string().parse().unwrap(),
        notional: domain::Money::from_minor((number % 10 + 1) * 10_000, domain::Currency::Usd),
    };
    Fact { subject, at: Timestamp::from_second(1_700_000_000 + number).unwrap(), what }
}

#[tokio::test]
#[ignore = "it measures, and takes minutes"]
async fn of_a_hundred_thousand_fills() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cost.db");
    let books = Books::open(format!("sqlite:{}", path.display()).parse().unwrap()).await;
    let facts: Vec<Fact> = (0..KNOWN).map(fill).collect();
    let begun = Instant::now();
    for portion in facts.chunks(PORTION) {
        books.post(portion).await;
    }
    println!("{KNOWN} fills in portions of {PORTION}: {:?} each", begun.elapsed() / 99_000);
    let begun = Instant::now();
    for number in KNOWN..KNOWN + 200 {
        books.post(&[fill(number)]).await;
    }
    println!("one later fill, with its commit: {:?}", begun.elapsed() / 200);
    let late = Fact { at: Timestamp::from_second(1_700_000_000).unwrap(), ..fill(KNOWN + 1_000) };
    let begun = Instant::now();
    books.post(&[late]).await;
    println!("one fill that is told late, with its commit: {:?}", begun.elapsed());
}
