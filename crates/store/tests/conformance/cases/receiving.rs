//! Deliveries are kept once, before anyone is told so.

use std::time::Duration;

use store::{Cursor, Receipt, ReceiveError, Store};

use crate::stage::{Stage, event, fill, key, now};

pub(crate) async fn a_delivery_is_kept_as_it_was(stage: &Stage) {
    let store = stage.open().await;
    let delivery = fill("01H");
    let receipt = store.receive(&delivery, now()).await.unwrap();
    let kept = store.event(receipt.id()).await.unwrap().unwrap();
    assert_eq!(kept.body, &delivery.body()[..]);
    assert_eq!(kept.line.channel, "alpaca/trade");
    assert_eq!(kept.line.transport, "stream");
    assert_eq!(kept.line.event_type, delivery.event_type());
    assert_eq!(kept.line.object, delivery.object());
    assert_eq!(kept.line.received_at, now());
    assert_eq!(kept.dedupe_key, delivery.dedupe_key());
    // sha256sum of the same bytes.
    assert_eq!(kept.body_sha256, sha256sum(delivery.body()));
    assert_eq!(kept.work.len(), 1);
}

fn sha256sum(bytes: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let output = std::process::Command::new("sha256sum").arg(file.path()).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

pub(crate) async fn a_thousand_racing_copies_are_one(stage: &Stage) {
    let store = stage.open().await;
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
    let stored = receipts.iter().filter(|receipt| matches!(receipt, Receipt::Stored(_))).count();
    assert_eq!(stored, 1);
    assert!(receipts.iter().all(|receipt| receipt.id() == receipts[0].id()));
    assert_eq!(stage.number("SELECT COUNT(*) FROM webhook_events").await, 1);
    assert_eq!(stage.number("SELECT COUNT(*) FROM webhook_work").await, 1);
    assert_eq!(stage.number("SELECT COUNT(*) FROM audit_entries").await, 1);
}

pub(crate) async fn a_copy_is_known_after_a_restart(stage: &Stage) {
    let store = stage.open().await;
    let first = store.receive(&fill("01H"), now()).await.unwrap();
    store.close().await;
    assert_eq!(store.receive(&fill("01J"), now()).await, Err(ReceiveError::Unavailable));
    let again = stage.open().await.receive(&fill("01H"), now()).await.unwrap();
    assert_eq!(again, Receipt::Duplicate(first.id()));
}

pub(crate) async fn one_bad_delivery_does_not_refuse_the_others(stage: &Stage) {
    let store = stage.open().await;
    // No delivery is known that only one row's constraint refuses; this one is made up.
    stage.sql(poison(stage)).await;
    let (before, bad, after) = (fill("01H"), event("01J", "rejected", "AAPL"), fill("01K"));
    let blocker = stage.block_writers().await;
    let receive = |delivery| {
        let store = store.clone();
        tokio::spawn(async move { store.receive(&delivery, now()).await })
    };
    // The first is on its way to the database; the others wait, and are one batch.
    let first = receive(fill("01G"));
    waits_until(&store, 0).await;
    let batch = [receive(before), receive(bad), receive(after)];
    waits_until(&store, 3).await;
    blocker.let_go().await;
    assert!(matches!(first.await.unwrap(), Ok(Receipt::Stored(_))));
    let [before, bad, after] = batch;
    assert!(matches!(before.await.unwrap(), Ok(Receipt::Stored(_))));
    assert_eq!(bad.await.unwrap(), Err(ReceiveError::Refused));
    assert!(matches!(after.await.unwrap(), Ok(Receipt::Stored(_))));
    store.verify_audit(None, |_, _| ()).await.unwrap();
}

fn poison(stage: &Stage) -> &'static str {
    if stage.is_sqlite() {
        "CREATE TRIGGER poison BEFORE INSERT ON webhook_events WHEN NEW.event_type LIKE '%rejected' \
         BEGIN SELECT RAISE(ABORT, 'poison'); END"
    } else {
        "ALTER TABLE webhook_events ADD CONSTRAINT poison CHECK (event_type NOT LIKE '%rejected')"
    }
}

/// Until as many wait in the line, the batch on its way not counted.
async fn waits_until(store: &Store, count: usize) {
    for _ in 0..6_000 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        if store.waiting() == count {
            return;
        }
    }
    panic!("{} wait", store.waiting());
}

pub(crate) async fn a_full_line_refuses_and_keeps_what_waits(stage: &Stage) {
    drop(stage.open().await);
    let mut config = stage.config();
    config.queue_deliveries = 2;
    let store = Store::open(config, key(), now()).await.unwrap();
    let blocker = stage.block_writers().await;
    // It comes again while the line is full, as it is until the first is on its way to the database.
    let receive = |id: &'static str| {
        let store = store.clone();
        tokio::spawn(async move {
            loop {
                match store.receive(&fill(id), now()).await {
                    Err(ReceiveError::Busy) => tokio::time::sleep(Duration::from_millis(10)).await,
                    kept => return kept,
                }
            }
        })
    };
    let first = receive("01A");
    waits_until(&store, 0).await;
    let waiting = [receive("01B"), receive("01C")];
    waits_until(&store, 2).await;
    assert_eq!(store.receive(&fill("01D"), now()).await, Err(ReceiveError::Busy));
    blocker.let_go().await;
    first.await.unwrap().unwrap();
    for one in waiting {
        one.await.unwrap().unwrap();
    }
    // What was refused was not kept, and is when it comes again.
    assert!(matches!(store.receive(&fill("01D"), now()).await, Ok(Receipt::Stored(_))));
}

pub(crate) async fn a_cursor_is_kept_with_its_delivery(stage: &Stage) {
    let store = stage.open().await;
    let at = |position: &str| Cursor { stream: "trades".into(), position: position.into() };
    assert_eq!(store.cursor("trades").await.unwrap(), None);
    store.receive_from_stream(&fill("01H"), at("01H"), now()).await.unwrap();
    assert_eq!(store.cursor("trades").await.unwrap().as_deref(), Some("01H"));
    // A copy moves the cursor too, or the stream would be read from there forever.
    let copy = store.receive_from_stream(&fill("01H"), at("01J"), now()).await.unwrap();
    assert!(matches!(copy, Receipt::Duplicate(_)));
    store.close().await;
    assert_eq!(stage.open().await.cursor("trades").await.unwrap().as_deref(), Some("01J"));
    assert_eq!(stage.open().await.cursor("journals").await.unwrap(), None);
}

pub(crate) async fn a_cursor_that_moves_is_recorded(stage: &Stage) {
    let store = stage.open().await;
    let at = |position: &str| Cursor { stream: "trades".into(), position: position.into() };
    // New; a copy that moves the cursor; a copy that does not.
    for (id, position) in [("01H", "01H"), ("01H", "01J"), ("01H", "01J")] {
        store.receive_from_stream(&fill(id), at(position), now()).await.unwrap();
    }
    store.receive(&fill("01K"), now()).await.unwrap();
    let entries = store.audit_page(0).await.unwrap();
    let detail =
        |index: usize| serde_json::from_str::<serde_json::Value>(entries[index].entry.detail()).unwrap();
    let told: Vec<_> = (0..entries.len())
        .map(|index| (detail(index)["events"].as_array().unwrap().len(), detail(index)["cursors"].clone()))
        .collect();
    let cursor = |position: &str| serde_json::json!({ "trades": position });
    assert_eq!(told, [(1, cursor("01H")), (0, cursor("01J")), (1, serde_json::Value::Null)]);
    store.verify_audit(None, |_, _| ()).await.unwrap();
}

pub(crate) async fn closing_keeps_what_waits(stage: &Stage) {
    let store = stage.open().await;
    let waiting: Vec<_> = (0..50)
        .map(|id| {
            let store = store.clone();
            tokio::spawn(async move { store.receive(&fill(&format!("id-{id}")), now()).await })
        })
        .collect();
    tokio::task::yield_now().await;
    store.close().await;
    let mut kept = 0;
    for one in waiting {
        match one.await.unwrap() {
            Ok(receipt) => {
                assert!(matches!(receipt, Receipt::Stored(_)));
                kept += 1;
            }
            Err(error) => assert_eq!(error, ReceiveError::Unavailable),
        }
    }
    assert_eq!(stage.number("SELECT COUNT(*) FROM webhook_events").await, kept);
}

pub(crate) async fn two_stores_keep_one_copy(stage: &Stage) {
    let (one, other) = (stage.open().await, stage.open().await);
    let copies: Vec<_> = (0..400)
        .map(|number| {
            let store = if number % 2 == 0 { one.clone() } else { other.clone() };
            tokio::spawn(
                async move { store.receive(&fill(&format!("id-{}", number / 4)), now()).await.unwrap() },
            )
        })
        .collect();
    let mut stored = 0;
    for copy in copies {
        stored += i64::from(matches!(copy.await.unwrap(), Receipt::Stored(_)));
    }
    assert_eq!(stored, 100);
    assert_eq!(stage.number("SELECT COUNT(*) FROM webhook_events").await, 100);
    one.verify_audit(None, |_, _| ()).await.unwrap();
}
