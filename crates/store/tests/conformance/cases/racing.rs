//! What many do at one time comes to what they would have done one after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::Provider;
use store::{Actor, Applied, Filter, Store};
use webhooks::alpaca::{Kind, of_stream};
use webhooks::{Delivery, Reading, meaning};

use crate::stage::{Stage, now};

const HOLD: Duration = Duration::from_secs(300);
/// Deposits of one batch.
const BATCH: u32 = 10;

/// A deposit of one dollar to one of a few accounts.
fn deposit(id: &str, account: u32) -> Delivery {
    let body = format!(
        r#"{{"account_id":"a{account}","at":"2026-01-02T15:04:05Z","entry_type":"CSD","event_id":"{id}","id":"n-{id}","net_amount":1,"settle_date":"2026-01-02","status":"executed"}}"#
    );
    of_stream(Kind::Nta, id, body.into()).unwrap()
}

/// A buy of one share for one dollar, in one of a few accounts.
fn buy(id: &str, account: u32, symbol: &str) -> Delivery {
    let body = format!(
        r#"{{"account_id":"a{account}","at":"2026-01-02T15:04:05Z","event":"fill","event_id":"{id}","execution_id":"e-{id}","timestamp":"2026-01-02T15:04:05Z","order":{{"id":"o-{id}","symbol":"{symbol}","side":"buy","qty":"1","filled_qty":"1","filled_avg_price":"1","status":"filled"}}}}"#
    );
    of_stream(Kind::Trade, id, body.into()).unwrap()
}

/// Leases and applies until nothing is left. Nothing may fail, or need a second lease.
async fn work_off(store: &Store, owner: &str) -> usize {
    let mut done = 0;
    loop {
        let leased = store.lease(owner, 16, HOLD, now()).await.unwrap();
        if leased.is_empty() {
            return done;
        }
        assert!(leased.iter().all(|leased| leased.attempt() == 1));
        let read = |leased: store::Leased| {
            let meaning = meaning(leased.channel(), leased.body(), &Reading::default());
            (leased, meaning)
        };
        let work: Vec<_> = leased.into_iter().map(read).collect();
        let applied = store.apply_all(&work, &ledger::Rules::default(), now()).await.unwrap();
        assert!(applied.iter().all(|applied| matches!(applied, Applied::Done)), "{applied:?}");
        done += applied.len();
    }
}

/// Dollars alone are in these books, and all of them were paid in: at any one moment, what everyone has is what came in.
pub(crate) async fn a_close_and_its_flows_are_of_one_moment(stage: &Stage) {
    let (store, is_over) = (stage.open().await, Arc::new(AtomicBool::new(false)));
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
                work_off(&store, &payer.to_string()).await;
            }
        })
    };
    let payers = [paying(1), paying(2)];
    let mut torn = 0;
    for _ in 0..40 {
        store.take_snapshots(Actor::named("test"), now()).await.unwrap();
        torn += stage
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

pub(crate) async fn workers_of_two_processes_finish_everything_at_once(stage: &Stage) {
    let (one, other) = (stage.open().await, stage.open().await);
    for number in 0..300 {
        let symbol = ["AAPL", "MSFT", "TSLA"][number as usize % 3];
        one.receive(&deposit(&format!("d{number}"), number % 5), now()).await.unwrap();
        one.receive(&buy(&format!("b{number}"), number * 7 % 5, symbol), now()).await.unwrap();
    }
    let working = |store: &Store, owner: &'static str| {
        let store = store.clone();
        tokio::spawn(async move { work_off(&store, owner).await })
    };
    let workers = [working(&one, "1"), working(&one, "2"), working(&other, "3"), working(&other, "4")];
    let mut done = 0;
    for worker in workers {
        done += worker.await.unwrap();
    }
    assert_eq!(done, 600);
    // 300 dollars came in, and 300 shares were bought for a dollar each.
    assert_eq!(
        stage.number("SELECT CAST(SUM(minor) AS BIGINT) FROM ledger_entries WHERE holder IS NOT NULL").await,
        0
    );
    assert_eq!(
        stage.number("SELECT CAST(SUM(CAST(quantity AS BIGINT)) AS BIGINT) FROM positions").await,
        300
    );
    assert!(one.trial_balance().await.unwrap().is_sound());
    assert_eq!(stage.number("SELECT COUNT(*) FROM ledger_balances WHERE balance < 0").await, 0);
    one.verify_audit(None, |_, _| ()).await.unwrap();
}

pub(crate) async fn a_body_is_emptied_once_and_never_under_a_replay(stage: &Stage) {
    const DELIVERIES: u32 = 300;
    let (one, other) = (stage.open().await, stage.open().await);
    for number in 0..DELIVERIES {
        one.receive(&deposit(&format!("d{number}"), number % 5), now()).await.unwrap();
    }
    work_off(&one, "1").await;
    let emptying = |store: &Store| {
        let (store, until) = (store.clone(), now() + jiff::SignedDuration::from_secs(3600));
        tokio::spawn(async move { store.redact(Provider::Alpaca, until, Actor::named("test"), now()).await })
    };
    let replaying = |store: &Store| {
        let store = store.clone();
        let filter = Filter { provider: Some(Provider::Alpaca), ..Filter::default() };
        tokio::spawn(async move { store.replay(&filter, None, Actor::named("test"), now()).await })
    };
    let (first, replay, second) = (emptying(&one), replaying(&other), emptying(&other));
    let emptied = i64::from(first.await.unwrap().unwrap() + second.await.unwrap().unwrap());
    let replayed = i64::from(replay.await.unwrap().unwrap().events);
    assert_eq!(emptied + replayed, i64::from(DELIVERIES), "each of them the one or the other, once");
    let empty = "SELECT COUNT(*) FROM webhook_events WHERE redacted_at IS NOT NULL";
    assert_eq!(stage.number(empty).await, emptied);
    let torn = "SELECT COUNT(*) FROM webhook_work w JOIN webhook_events e ON e.id = w.event_id \
                WHERE w.state = 'pending' AND e.redacted_at IS NOT NULL";
    assert_eq!(stage.number(torn).await, 0);
}
