//! Every write is in one chain, and every change of the chain is detected.

use audit::ChainError;
use serde_json::json;
use store::{Actor, Error, ReceiveError, StorageFault, VerifyError};
use webhooks::Interpretation;

use crate::fixture::{TestDatabase, apply, fill, key, lease_all, now, receive};

pub(crate) async fn every_write_is_in_a_whole_chain(database: &TestDatabase) {
    let store = database.open().await;
    let ids = receive(&store, 0..5).await;
    for job in lease_all(&store, "one", now()).await {
        apply(&store, &job, &Interpretation::Test, now()).await;
    }
    let mut progress = Vec::new();
    let verified = store.verify_audit(None, |done, all| progress.push((done, all))).await.unwrap();
    assert_eq!((verified.entries, progress), (10, vec![(10, 10)]));
    let entries = store.audit_page(0).await.unwrap();
    assert_eq!(entries.iter().filter(|sealed| sealed.entry.action() == "webhooks.receive").count(), 5);
    assert_eq!(entries.iter().filter(|sealed| sealed.entry.action() == "webhooks.apply").count(), 5);
    let detail: serde_json::Value = serde_json::from_str(entries[0].entry.detail()).unwrap();
    assert_eq!(detail["events"][0]["id"], ids[0].to_string());
    let event = store.event(ids[0]).await.unwrap().unwrap();
    assert_eq!(detail["events"][0]["body_sha256"], event.body_sha256);
    // With an older head as a checkpoint, the chain must go through it.
    let head = store.audit_head().await.unwrap().verify(&key()).unwrap();
    receive(&store, 5..6).await;
    assert_eq!(store.verify_audit(Some(head), |_, _| ()).await.unwrap().entries, 11);
}

pub(crate) async fn two_writers_cannot_fork_the_chain(database: &TestDatabase) {
    let (one, other) = (database.open().await, database.open().await);
    let write = |store: store::Store, who: &'static str| {
        tokio::spawn(async move {
            for number in 0..60 {
                let detail = json!({ "number": number });
                store.record_audit(Actor::named(who), "test.write", "chain", &detail, now()).await.unwrap();
            }
        })
    };
    let writers = [write(one.clone(), "one"), write(one.clone(), "one too"), write(other, "other")];
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(one.verify_audit(None, |_, _| ()).await.unwrap().entries, 180);
}

pub(crate) async fn a_changed_entry_is_detected(database: &TestDatabase) {
    let store = database.open().await;
    receive(&store, 0..3).await;
    database.sql("UPDATE audit_entries SET actor = 'nobody' WHERE sequence = 2").await;
    let damage = store.verify_audit(None, |_, _| ()).await.unwrap_err();
    assert!(matches!(damage, VerifyError::Damaged(ChainError::Changed { sequence: 2 })), "{damage:?}");
}

pub(crate) async fn a_truncated_chain_is_detected(database: &TestDatabase) {
    let store = database.open().await;
    receive(&store, 0..3).await;
    database.sql("DELETE FROM audit_entries WHERE sequence = 3").await;
    let damage = store.verify_audit(None, |_, _| ()).await.unwrap_err();
    assert!(
        matches!(damage, VerifyError::Damaged(ChainError::Truncated { sequence: 3, head: 3 })),
        "{damage:?}"
    );
    // With the head set back to where it was, the seal does not fit.
    let (hash, seal) = ("hash", "seal");
    database.sql(&format!(
        "UPDATE audit_head SET sequence = 2, {hash} = (SELECT hash FROM audit_entries WHERE sequence = 2), {seal} = {seal}"
    ))
    .await;
    let damage = store.verify_audit(None, |_, _| ()).await.unwrap_err();
    assert!(matches!(damage, VerifyError::Damaged(ChainError::HeadChanged { sequence: 2 })), "{damage:?}");
    // And nothing more is written onto it: whoever has written entry 3 misses it, and others cannot verify the head.
    let lost = ReceiveError::Storage(StorageFault::OlderCopy { sequence: 3 });
    assert_eq!(store.receive(&fill("01H"), now()).await, Err(lost));
    assert!(database.try_open().await.is_err());
}

pub(crate) async fn nothing_is_written_without_a_head(database: &TestDatabase) {
    let store = database.open().await;
    receive(&store, 0..1).await;
    database.sql("DELETE FROM audit_head").await;
    assert_eq!(store.receive(&fill("01H"), now()).await, Err(ReceiveError::Unavailable));
    assert_eq!(database.number("SELECT COUNT(*) FROM webhook_events").await, 1);
    let recorded = store.record_audit(Actor::named("one"), "test.write", "chain", &json!({}), now()).await;
    assert!(matches!(recorded, Err(Error::NoHead)), "{recorded:?}");
    assert!(matches!(store.verify_audit(None, |_, _| ()).await, Err(VerifyError::NoHead)));
    assert!(database.try_open().await.is_err());
}

pub(crate) async fn actions_outside_of_the_store_are_recorded(database: &TestDatabase) {
    let store = database.open().await;
    let actor = Actor { name: "key:ops-1", request_id: Some("r-7") };
    store.record_audit(actor, "auth.refuse", "api", &json!({"why": "role"}), now()).await.unwrap();
    let entries = store.audit_page(0).await.unwrap();
    let entry = &entries[0].entry;
    assert_eq!((entry.actor(), entry.action(), entry.object()), ("key:ops-1", "auth.refuse", "api"));
    assert_eq!((entry.request_id(), entry.detail()), (Some("r-7"), r#"{"why":"role"}"#));
    assert_eq!(entry.at_us(), now().as_microsecond());
    let nobody = store.record_audit(Actor::named(""), "auth.refuse", "api", &json!({}), now()).await;
    assert!(matches!(nobody, Err(Error::Entry(_))), "{nobody:?}");
}

pub(crate) async fn an_entry_before_the_first_is_detected(database: &TestDatabase) {
    let store = database.open().await;
    receive(&store, 0..2).await;
    let columns = "at_us, actor, action, object, request_id, detail, previous, key_id, hash";
    for sequence in [0, -1] {
        database
            .sql(&format!(
                "INSERT INTO audit_entries (sequence, {columns}) SELECT {sequence}, {columns} FROM audit_entries \
                 WHERE sequence = 1"
            ))
            .await;
        let damage = store.verify_audit(None, |_, _| ()).await.unwrap_err();
        assert!(
            matches!(damage, VerifyError::Damaged(ChainError::OutOfOrder { expected: 1, .. })),
            "{damage:?}"
        );
        database.sql("DELETE FROM audit_entries WHERE sequence < 1").await;
    }
    store.verify_audit(None, |_, _| ()).await.unwrap();
}

pub(crate) async fn a_deleted_chain_is_not_started_again(database: &TestDatabase) {
    let store = database.open().await;
    receive(&store, 0..2).await;
    store.close().await;
    database.sql("DELETE FROM audit_entries; DELETE FROM audit_head").await;
    let error = database.try_open().await.unwrap_err();
    assert!(matches!(error, store::OpenError::Audit(Error::NoHead)), "{error:?}");
}
