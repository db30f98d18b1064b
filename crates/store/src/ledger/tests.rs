//! Both databases keep the same books: every scenario runs on SQLite and on Postgres.

mod books;
mod day;
mod figures;
mod scenarios;

#[path = "../../../../tests/harness/postgres.rs"]
#[expect(dead_code, unreachable_pub, reason = "the harness is written for the tests of the whole product")]
mod cluster;

use crate::url::DatabaseUrl;
use books::Books;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_keeps_the_books() {
    let directory = tempfile::tempdir().unwrap();
    let mut number = 0;
    scenarios::all(|| {
        number += 1;
        let path = directory.path().join(format!("{number}.db"));
        Books::open(format!("sqlite:{}", path.display()).parse::<DatabaseUrl>().unwrap())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_keeps_the_books() {
    let cluster = cluster::Postgres::start();
    let mut number = 0;
    scenarios::all(|| {
        number += 1;
        Books::open(cluster.database(&format!("books{number}")).parse::<DatabaseUrl>().unwrap())
    })
    .await;
}
