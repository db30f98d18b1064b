//! Every scenario runs on SQLite and on Postgres.

mod available;
mod coins;
mod customers;
mod day;
mod figures;
mod fixture;
mod journals;
mod recipes;
mod reviews;
mod scenarios;
mod time;

use crate::url::DatabaseUrl;
use fixture::TestLedger;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_passes_every_scenario() {
    let directory = tempfile::tempdir().unwrap();
    let mut number = 0;
    scenarios::all(|| {
        number += 1;
        let path = directory.path().join(format!("{number}.db"));
        TestLedger::open(format!("sqlite:{}", path.display()).parse::<DatabaseUrl>().unwrap())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_passes_every_scenario() {
    let cluster = test_postgres::Postgres::start();
    let mut number = 0;
    scenarios::all(|| {
        number += 1;
        TestLedger::open(cluster.create_database(&format!("ledger{number}")).parse::<DatabaseUrl>().unwrap())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_posts_journals_and_resolves_reviews() {
    let directory = tempfile::tempdir().unwrap();
    let mut number = 0;
    journals_and_reviews(|| {
        number += 1;
        let path = directory.path().join(format!("{number}.db"));
        TestLedger::open(format!("sqlite:{}", path.display()).parse::<DatabaseUrl>().unwrap())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_posts_journals_and_resolves_reviews() {
    let cluster = test_postgres::Postgres::start();
    let mut number = 0;
    journals_and_reviews(|| {
        number += 1;
        TestLedger::open(cluster.create_database(&format!("ledger{number}")).parse::<DatabaseUrl>().unwrap())
    })
    .await;
}

async fn journals_and_reviews<F: Future<Output = TestLedger>>(mut open: impl FnMut() -> F) {
    coins::all(&mut open).await;
    journals::all(&mut open).await;
    recipes::all(&mut open).await;
    reviews::all(&mut open).await;
    available::all(&mut open).await;
    customers::all(&mut open).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_shows_earlier_states() {
    let directory = tempfile::tempdir().unwrap();
    let mut number = 0;
    time::all(|| {
        number += 1;
        let path = directory.path().join(format!("{number}.db"));
        TestLedger::open(format!("sqlite:{}", path.display()).parse::<DatabaseUrl>().unwrap())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_shows_earlier_states() {
    let cluster = test_postgres::Postgres::start();
    let mut number = 0;
    time::all(|| {
        number += 1;
        TestLedger::open(cluster.create_database(&format!("ledger{number}")).parse::<DatabaseUrl>().unwrap())
    })
    .await;
}
