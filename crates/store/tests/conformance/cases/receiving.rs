//! Deliveries are stored once, before any receipt.

use std::time::Duration;

use store::{Cursor, Receipt, ReceiveError, Store};

use crate::fixture::{TestDatabase, fill, key, now, trade};

pub(crate) async fn a_delivery_is_stored_as_received(database: &TestDatabase) {
    let store = database.open().await;
    let delivery = fill("01H");
    let receipt = store.receive(&delivery, now()).await.unwrap();
    let event = store.event(receipt.id()).await.unwrap().unwrap();
    assert_eq!(event.body, &delivery.body()[..]);
    assert_eq!(event.summary.channel, "alpaca/trade");
    assert_eq!(event.summary.transport, "stream");
    assert_eq!(event.summary.event_type, delivery.event_type());
    assert_eq!(event.summary.resource, delivery.resource());
    assert_eq!(event.summary.received_at, now());
    assert_eq!(event.dedupe_key, delivery.dedupe_key());
    // sha256sum of the same bytes.
    assert_eq!(event.body_sha256, sha256sum(delivery.body()));
    assert_eq!(event.jobs.len(), 1);
}

fn sha256sum(bytes: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let output = std::process::Command::new("sha256sum").arg(file.path()).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

pub(crate) async fn a_thousand_racing_copies_are_one(database: &TestDatabase) {
    let store = database.open().await;
    let copies: Vec<_> = (0..1_000)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.receive(&fill("01H"), now()).await.unwrap() })
        })
        .collect();
    let mut receipts = Vec::new();
    for copy in copies {
        receipts.push(copy.await.unwrap());
    }
    let count = receipts.iter().filter(|receipt| matches!(receipt, Receipt::Stored(_))).count();
    assert_eq!(count, 1);
    assert!(receipts.iter().all(|receipt| receipt.id() == receipts[0].id()));
    assert_eq!(database.number("SELECT COUNT(*) FROM webhook_events").await, 1);
    assert_eq!(database.number("SELECT COUNT(*) FROM webhook_jobs").await, 1);
    assert_eq!(database.number("SELECT COUNT(*) FROM audit_entries").await, 1);
}

pub(crate) async fn a_copy_is_recognized_after_a_restart(database: &TestDatabase) {
    let store = database.open().await;
    let first = store.receive(&fill("01H"), now()).await.unwrap();
    store.close().await;
    assert_eq!(store.receive(&fill("01J"), now()).await, Err(ReceiveError::Unavailable));
    let again = database.open().await.receive(&fill("01H"), now()).await.unwrap();
    assert_eq!(again, Receipt::Duplicate(first.id()));
}

/// Two bodies with one id, both genuine: neither is lost, and only the first is applied.
pub(crate) async fn other_content_of_a_known_id_is_stored_and_not_applied(database: &TestDatabase) {
    let with_body = |change: &dyn Fn(String) -> String| {
        let body = String::from_utf8(fill("01H").body().to_vec()).unwrap();
        webhooks::alpaca::from_stream(webhooks::alpaca::Kind::Trade, "01H", change(body).into()).unwrap()
    };
    let store = database.open().await;
    let first = store.receive(&fill("01H"), now()).await.unwrap();
    // Other spaces are no other content.
    let spaced = with_body(&|body| body.replace(",", ", "));
    assert_eq!(store.receive(&spaced, now()).await, Ok(Receipt::Duplicate(first.id())));
    let dearer =
        with_body(&|body| body.replace(r#""filled_avg_price":"100""#, r#""filled_avg_price":"900""#));
    let other = store.receive(&dearer, now()).await.unwrap();
    assert!(matches!(other, Receipt::Conflict(id) if id != first.id()), "{other:?}");
    assert_eq!(store.receive(&dearer, now()).await, Ok(Receipt::Duplicate(other.id())));
    assert_eq!(store.receive(&fill("01H"), now()).await, Ok(Receipt::Duplicate(first.id())));
    assert_eq!(store.event(other.id()).await.unwrap().unwrap().body, &dearer.body()[..]);
    let jobs = "SELECT COUNT(*) FROM webhook_jobs WHERE state =";
    assert_eq!(database.number(&format!("{jobs} 'pending'")).await, 1);
    assert_eq!(database.number(&format!("{jobs} 'unhandled'")).await, 1);
}

pub(crate) async fn a_refused_delivery_does_not_affect_the_others(database: &TestDatabase) {
    let store = database.open().await;
    // No known delivery violates the constraint of one row alone, so the test adds a constraint.
    database.sql(poison(database)).await;
    let (before, bad, after) = (fill("01H"), trade("01J", "rejected", "AAPL"), fill("01K"));
    let blocker = database.block_writers().await;
    let receive = |delivery| {
        let store = store.clone();
        tokio::spawn(async move { store.receive(&delivery, now()).await })
    };
    // The first is on its way to the database; the others are queued, and are one batch.
    let first = receive(fill("01G"));
    wait_for_queue(&store, 0).await;
    let batch = [receive(before), receive(bad), receive(after)];
    wait_for_queue(&store, 3).await;
    blocker.release().await;
    assert!(matches!(first.await.unwrap(), Ok(Receipt::Stored(_))));
    let [before, bad, after] = batch;
    assert!(matches!(before.await.unwrap(), Ok(Receipt::Stored(_))));
    assert_eq!(bad.await.unwrap(), Err(ReceiveError::Refused));
    assert!(matches!(after.await.unwrap(), Ok(Receipt::Stored(_))));
    store.verify_audit(None, |_, _| ()).await.unwrap();
}

fn poison(database: &TestDatabase) -> &'static str {
    if database.is_sqlite() {
        "CREATE TRIGGER poison BEFORE INSERT ON webhook_events WHEN NEW.event_type LIKE '%rejected' \
         BEGIN SELECT RAISE(ABORT, 'poison'); END"
    } else {
        "ALTER TABLE webhook_events ADD CONSTRAINT poison CHECK (event_type NOT LIKE '%rejected')"
    }
}

/// Waits until as many are queued, not counting the batch that is on its way.
async fn wait_for_queue(store: &Store, count: usize) {
    for _ in 0..6_000 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        if store.queued_deliveries() == count {
            return;
        }
    }
    panic!("{} are queued", store.queued_deliveries());
}

pub(crate) async fn a_full_queue_refuses_deliveries_and_stores_the_queued_ones(database: &TestDatabase) {
    drop(database.open().await);
    let mut config = database.config();
    config.queue_deliveries = 2;
    let store = Store::open(config, key(), now()).await.unwrap();
    let blocker = database.block_writers().await;
    // Sent again while the queue is full, which it is until the first is on its way to the database.
    let receive = |id: &'static str| {
        let store = store.clone();
        tokio::spawn(async move {
            loop {
                match store.receive(&fill(id), now()).await {
                    Err(ReceiveError::Busy) => tokio::time::sleep(Duration::from_millis(10)).await,
                    result => return result,
                }
            }
        })
    };
    let first = receive("01A");
    wait_for_queue(&store, 0).await;
    let queued = [receive("01B"), receive("01C")];
    wait_for_queue(&store, 2).await;
    assert_eq!(store.receive(&fill("01D"), now()).await, Err(ReceiveError::Busy));
    blocker.release().await;
    first.await.unwrap().unwrap();
    for one in queued {
        one.await.unwrap().unwrap();
    }
    // A refused delivery was not stored, and is when it comes again.
    assert!(matches!(store.receive(&fill("01D"), now()).await, Ok(Receipt::Stored(_))));
}

pub(crate) async fn a_cursor_is_stored_with_its_delivery(database: &TestDatabase) {
    let store = database.open().await;
    let at = |position: &str| Cursor { stream: "trades".into(), position: position.into() };
    assert_eq!(store.cursor("trades").await.unwrap(), None);
    store.receive_from_stream(&fill("01H"), at("01H"), now()).await.unwrap();
    assert_eq!(store.cursor("trades").await.unwrap().as_deref(), Some("01H"));
    // A duplicate moves the cursor too, or the stream would be read from there forever.
    let copy = store.receive_from_stream(&fill("01H"), at("01J"), now()).await.unwrap();
    assert!(matches!(copy, Receipt::Duplicate(_)));
    store.close().await;
    assert_eq!(database.open().await.cursor("trades").await.unwrap().as_deref(), Some("01J"));
    assert_eq!(database.open().await.cursor("journals").await.unwrap(), None);
}

pub(crate) async fn a_cursor_that_moves_is_audited(database: &TestDatabase) {
    let store = database.open().await;
    let at = |position: &str| Cursor { stream: "trades".into(), position: position.into() };
    // New; a duplicate that moves the cursor; a duplicate that does not.
    for (id, position) in [("01H", "01H"), ("01H", "01J"), ("01H", "01J")] {
        store.receive_from_stream(&fill(id), at(position), now()).await.unwrap();
    }
    store.receive(&fill("01K"), now()).await.unwrap();
    let entries = store.audit_page(0).await.unwrap();
    let detail =
        |index: usize| serde_json::from_str::<serde_json::Value>(entries[index].entry.detail()).unwrap();
    let details: Vec<_> = (0..entries.len())
        .map(|index| (detail(index)["events"].as_array().unwrap().len(), detail(index)["cursors"].clone()))
        .collect();
    let cursor = |position: &str| serde_json::json!({ "trades": position });
    assert_eq!(details, [(1, cursor("01H")), (0, cursor("01J")), (1, serde_json::Value::Null)]);
    store.verify_audit(None, |_, _| ()).await.unwrap();
}

pub(crate) async fn closing_stores_queued_deliveries(database: &TestDatabase) {
    let store = database.open().await;
    let queued: Vec<_> = (0..50)
        .map(|id| {
            let store = store.clone();
            tokio::spawn(async move { store.receive(&fill(&format!("id-{id}")), now()).await })
        })
        .collect();
    tokio::task::yield_now().await;
    store.close().await;
    let mut count = 0;
    for one in queued {
        match one.await.unwrap() {
            Ok(receipt) => {
                assert!(matches!(receipt, Receipt::Stored(_)));
                count += 1;
            }
            Err(error) => assert_eq!(error, ReceiveError::Unavailable),
        }
    }
    assert_eq!(database.number("SELECT COUNT(*) FROM webhook_events").await, count);
}

pub(crate) async fn two_stores_store_one_copy(database: &TestDatabase) {
    let (one, other) = (database.open().await, database.open().await);
    let copies: Vec<_> = (0..400)
        .map(|number| {
            let store = if number % 2 == 0 { one.clone() } else { other.clone() };
            tokio::spawn(
                async move { store.receive(&fill(&format!("id-{}", number / 4)), now()).await.unwrap() },
            )
        })
        .collect();
    let mut count = 0;
    for copy in copies {
        count += i64::from(matches!(copy.await.unwrap(), Receipt::Stored(_)));
    }
    assert_eq!(count, 100);
    assert_eq!(database.number("SELECT COUNT(*) FROM webhook_events").await, 100);
    one.verify_audit(None, |_, _| ()).await.unwrap();
}
