//! Concurrent work has the result of the same work in sequence.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::Provider;
use store::{Actor, ApplyOutcome, EventFilter, Store};
use webhooks::alpaca::{Kind, from_stream};
use webhooks::{Delivery, ProviderSettings, SettingValue, interpret};

use crate::fixture::{TestDatabase, now};

const HOLD: Duration = Duration::from_secs(300);
/// Deposits of one batch.
const BATCH: u32 = 10;

/// A deposit of one dollar to one of a few accounts.
fn deposit(id: &str, account: u32) -> Delivery {
    let body = format!(
        r#"{{"account_id":"a{account}","at":"2026-01-02T15:04:05Z","entry_type":"CSD","event_id":"{id}","id":"n-{id}","net_amount":1,"settle_date":"2026-01-02","status":"executed"}}"#
    );
    from_stream(Kind::Nta, id, body.into()).unwrap()
}

/// A buy of one share for one dollar, in one of a few accounts.
fn buy(id: &str, account: u32, symbol: &str) -> Delivery {
    let body = format!(
        r#"{{"account_id":"a{account}","at":"2026-01-02T15:04:05Z","event":"fill","event_id":"{id}","execution_id":"e-{id}","timestamp":"2026-01-02T15:04:05Z","order":{{"id":"o-{id}","symbol":"{symbol}","side":"buy","qty":"1","filled_qty":"1","filled_avg_price":"1","status":"filled"}}}}"#
    );
    from_stream(Kind::Trade, id, body.into()).unwrap()
}

/// Those that read the list of entries which these tests send.
fn settings() -> ProviderSettings {
    let entries = SettingValue::Text(Some("nta".to_owned()));
    ProviderSettings::default().with("ledger.alpaca_entries", &entries)
}

/// Leases and applies until no job is left. None may fail, or need a second lease.
async fn apply_all_jobs(store: &Store, owner: &str) -> usize {
    let mut count = 0;
    loop {
        let leased = store.lease(owner, 16, HOLD, now()).await.unwrap();
        if leased.is_empty() {
            return count;
        }
        assert!(leased.iter().all(|job| job.attempt() == 1));
        let interpreted = |job: store::Job| {
            let interpretation = interpret(job.channel(), job.body(), &settings());
            (job, interpretation)
        };
        let jobs: Vec<_> = leased.into_iter().map(interpreted).collect();
        let applied = store.apply_all(&jobs, &ledger::Rules::default(), now()).await.unwrap();
        assert!(applied.iter().all(|applied| matches!(applied, ApplyOutcome::Done)), "{applied:?}");
        count += applied.len();
    }
}

/// This ledger has dollars alone, and all of them were paid in: at any moment, its value is what came in.
pub(crate) async fn a_snapshot_and_its_flows_are_of_one_moment(database: &TestDatabase) {
    let (store, is_over) = (database.open().await, Arc::new(AtomicBool::new(false)));
    let paying = |payer: u32| {
        let (store, is_over) = (store.clone(), is_over.clone());
        tokio::spawn(async move {
            let mut number = 0;
            while !is_over.load(Ordering::Relaxed) {
                for _ in 0..BATCH {
                    number += 1;
                    let deposit = deposit(&format!("{payer}-{number}"), number % 3);
                    store.receive(&deposit, now()).await.unwrap();
                }
                apply_all_jobs(&store, &payer.to_string()).await;
            }
        })
    };
    let payers = [paying(1), paying(2)];
    let mut torn = 0;
    for _ in 0..40 {
        store.take_snapshots(Actor::named("test"), now()).await.unwrap();
        torn += database
            .number(
                "SELECT COUNT(*) FROM daily_snapshots s JOIN daily_flows f \
                 ON f.holder = s.holder AND f.day = s.day WHERE s.value <> f.total",
            )
            .await;
    }
    is_over.store(true, Ordering::Relaxed);
    for payer in payers {
        payer.await.unwrap();
    }
    assert_eq!(torn, 0);
}

pub(crate) async fn workers_of_two_processes_finish_everything_together(database: &TestDatabase) {
    let (one, other) = (database.open().await, database.open().await);
    for number in 0..300 {
        let symbol = ["AAPL", "MSFT", "TSLA"][number as usize % 3];
        one.receive(&deposit(&format!("d{number}"), number % 5), now()).await.unwrap();
        one.receive(&buy(&format!("b{number}"), number * 7 % 5, symbol), now()).await.unwrap();
    }
    let working = |store: &Store, owner: &'static str| {
        let store = store.clone();
        tokio::spawn(async move { apply_all_jobs(&store, owner).await })
    };
    let workers = [working(&one, "1"), working(&one, "2"), working(&other, "3"), working(&other, "4")];
    let mut count = 0;
    for worker in workers {
        count += worker.await.unwrap();
    }
    assert_eq!(count, 600);
    // 300 dollars came in, and 300 shares were bought for a dollar each.
    assert_eq!(
        database
            .number("SELECT CAST(SUM(minor) AS BIGINT) FROM ledger_entries WHERE holder IS NOT NULL")
            .await,
        0
    );
    assert_eq!(
        database.number("SELECT CAST(SUM(CAST(quantity AS BIGINT)) AS BIGINT) FROM positions").await,
        300
    );
    assert!(one.trial_balance().await.unwrap().is_balanced());
    assert_eq!(database.number("SELECT COUNT(*) FROM ledger_balances WHERE balance < 0").await, 0);
    one.verify_audit(None, |_, _| ()).await.unwrap();
}

pub(crate) async fn a_body_is_emptied_once_and_never_during_a_replay(database: &TestDatabase) {
    const DELIVERIES: u32 = 300;
    let (one, other) = (database.open().await, database.open().await);
    for number in 0..DELIVERIES {
        one.receive(&deposit(&format!("d{number}"), number % 5), now()).await.unwrap();
    }
    apply_all_jobs(&one, "1").await;
    let emptying = |store: &Store| {
        let (store, until) = (store.clone(), now() + jiff::SignedDuration::from_secs(3600));
        tokio::spawn(async move { store.redact(Provider::Alpaca, until, Actor::named("test"), now()).await })
    };
    let replaying = |store: &Store| {
        let store = store.clone();
        let filter = EventFilter { provider: Some(Provider::Alpaca), ..EventFilter::default() };
        tokio::spawn(async move { store.replay(&filter, None, Actor::named("test"), now()).await })
    };
    let (first, replay, second) = (emptying(&one), replaying(&other), emptying(&other));
    let emptied = i64::from(first.await.unwrap().unwrap() + second.await.unwrap().unwrap());
    let replayed = i64::from(replay.await.unwrap().unwrap().events);
    assert_eq!(emptied + replayed, i64::from(DELIVERIES), "each of them the one or the other, once");
    let empty = "SELECT COUNT(*) FROM webhook_events WHERE redacted_at IS NOT NULL";
    assert_eq!(database.number(empty).await, emptied);
    let torn = "SELECT COUNT(*) FROM webhook_jobs j JOIN webhook_events e ON e.id = j.event_id \
                WHERE j.state = 'pending' AND e.redacted_at IS NOT NULL";
    assert_eq!(database.number(torn).await, 0);
}
