//! Every write is in one chain, which nobody changes unseen.

use audit::Fault;
use serde_json::json;
use store::{Actor, Error, ReceiveError, VerifyError};
use webhooks::Meaning;

use crate::stage::{Stage, fill, keep, key, lease_all, now};

pub(crate) async fn every_write_is_in_a_whole_chain(stage: &Stage) {
    let store = stage.open().await;
    let kept = keep(&store, 0..5).await;
    for leased in lease_all(&store, "one", now()).await {
        store.apply(&leased, &Meaning::Test, &ledger::Rules::default(), now()).await.unwrap();
    }
    let mut told = Vec::new();
    let verified = store.verify_audit(None, |done, all| told.push((done, all))).await.unwrap();
    assert_eq!((verified.entries, told), (10, vec![(10, 10)]));
    let entries = store.audit_page(0).await.unwrap();
    assert_eq!(entries.iter().filter(|sealed| sealed.entry.action() == "webhooks.receive").count(), 5);
    assert_eq!(entries.iter().filter(|sealed| sealed.entry.action() == "webhooks.apply").count(), 5);
    let detail: serde_json::Value = serde_json::from_str(entries[0].entry.detail()).unwrap();
    assert_eq!(detail["events"][0]["id"], kept[0].to_string());
    let event = store.event(kept[0]).await.unwrap().unwrap();
    assert_eq!(detail["events"][0]["body_sha256"], event.body_sha256);
    // It begins anew where an older head was checked, and must go through it.
    let head = store.audit_head().await.unwrap().open(&key()).unwrap();
    keep(&store, 5..6).await;
    assert_eq!(store.verify_audit(Some(head), |_, _| ()).await.unwrap().entries, 11);
}

pub(crate) async fn two_writers_cannot_fork_the_chain(stage: &Stage) {
    let (one, other) = (stage.open().await, stage.open().await);
    let write = |store: store::Store, who: &'static str| {
        tokio::spawn(async move {
            for number in 0..60 {
                let detail = json!({ "number": number });
                store.record(Actor::named(who), "test.write", "chain", &detail, now()).await.unwrap();
            }
        })
    };
    let writers = [write(one.clone(), "one"), write(one.clone(), "one too"), write(other, "other")];
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(one.verify_audit(None, |_, _| ()).await.unwrap().entries, 180);
}

pub(crate) async fn a_changed_entry_is_found(stage: &Stage) {
    let store = stage.open().await;
    keep(&store, 0..3).await;
    stage.sql("UPDATE audit_entries SET actor = 'nobody' WHERE sequence = 2").await;
    let damage = store.verify_audit(None, |_, _| ()).await.unwrap_err();
    assert!(matches!(damage, VerifyError::Damaged(Fault::Changed { sequence: 2 })), "{damage:?}");
}

pub(crate) async fn a_cut_chain_is_found(stage: &Stage) {
    let store = stage.open().await;
    keep(&store, 0..3).await;
    stage.sql("DELETE FROM audit_entries WHERE sequence = 3").await;
    let damage = store.verify_audit(None, |_, _| ()).await.unwrap_err();
    assert!(matches!(damage, VerifyError::Damaged(Fault::Truncated { sequence: 3, head: 3 })), "{damage:?}");
    // With the head set back to where it was, the seal does not fit.
    let (hash, seal) = ("hash", "seal");
    stage.sql(&format!(
        "UPDATE audit_head SET sequence = 2, {hash} = (SELECT hash FROM audit_entries WHERE sequence = 2), {seal} = {seal}"
    ))
    .await;
    let damage = store.verify_audit(None, |_, _| ()).await.unwrap_err();
    assert!(matches!(damage, VerifyError::Damaged(Fault::HeadChanged { sequence: 2 })), "{damage:?}");
    // And nothing more is written onto it.
    assert_eq!(store.receive(&fill("01H"), now()).await, Err(ReceiveError::Unavailable));
    assert!(stage.try_open().await.is_err());
}

pub(crate) async fn nothing_is_written_without_a_head(stage: &Stage) {
    let store = stage.open().await;
    keep(&store, 0..1).await;
    stage.sql("DELETE FROM audit_head").await;
    assert_eq!(store.receive(&fill("01H"), now()).await, Err(ReceiveError::Unavailable));
    assert_eq!(stage.number("SELECT COUNT(*) FROM webhook_events").await, 1);
    let recorded = store.record(Actor::named("one"), "test.write", "chain", &json!({}), now()).await;
    assert!(matches!(recorded, Err(Error::NoHead)), "{recorded:?}");
    assert!(matches!(store.verify_audit(None, |_, _| ()).await, Err(VerifyError::NoHead)));
    assert!(stage.try_open().await.is_err());
}

pub(crate) async fn an_entry_of_others_is_recorded(stage: &Stage) {
    let store = stage.open().await;
    let actor = Actor { name: "key:ops-1", request_id: Some("r-7") };
    store.record(actor, "auth.refuse", "api", &json!({"why": "role"}), now()).await.unwrap();
    let entries = store.audit_page(0).await.unwrap();
    let entry = &entries[0].entry;
    assert_eq!((entry.actor(), entry.action(), entry.object()), ("key:ops-1", "auth.refuse", "api"));
    assert_eq!((entry.request_id(), entry.detail()), (Some("r-7"), r#"{"why":"role"}"#));
    assert_eq!(entry.at_us(), now().as_microsecond());
    let nobody = store.record(Actor::named(""), "auth.refuse", "api", &json!({}), now()).await;
    assert!(matches!(nobody, Err(Error::Entry(_))), "{nobody:?}");
}

pub(crate) async fn an_entry_before_the_first_is_found(stage: &Stage) {
    let store = stage.open().await;
    keep(&store, 0..2).await;
    let columns = "at_us, actor, action, object, request_id, detail, previous, key_id, hash";
    for sequence in [0, -1] {
        stage
            .sql(&format!(
                "INSERT INTO audit_entries (sequence, {columns}) SELECT {sequence}, {columns} FROM audit_entries \
                 WHERE sequence = 1"
            ))
            .await;
        let damage = store.verify_audit(None, |_, _| ()).await.unwrap_err();
        assert!(matches!(damage, VerifyError::Damaged(Fault::OutOfOrder { expected: 1, .. })), "{damage:?}");
        stage.sql("DELETE FROM audit_entries WHERE sequence < 1").await;
    }
    store.verify_audit(None, |_, _| ()).await.unwrap();
}

pub(crate) async fn a_chain_that_was_wiped_is_not_begun_anew(stage: &Stage) {
    let store = stage.open().await;
    keep(&store, 0..2).await;
    store.close().await;
    stage.sql("DELETE FROM audit_entries; DELETE FROM audit_head").await;
    let refused = stage.try_open().await.unwrap_err();
    assert!(matches!(refused, store::OpenError::Audit(Error::NoHead)), "{refused:?}");
}
