//! Public keys of Circle, kept for the time in which Circle cannot be asked.

use jiff::{SignedDuration, Timestamp};
use store::{Actor, CIRCLE_KEYS_MAX, CircleKey, Store};

use crate::stage::{Stage, now};

const ACTOR: Actor<'static> = Actor::named("worker:test");

fn told(id: &str, public_key: &str, age_s: i64) -> CircleKey {
    CircleKey {
        id: id.to_owned(),
        algorithm: "ECDSA_SHA_256".to_owned(),
        public_key: public_key.to_owned(),
        fetched_at: now() - SignedDuration::from_secs(age_s),
    }
}

async fn keep(store: &Store, key: &CircleKey) {
    store.keep_circle_key(key, ACTOR, now()).await.unwrap();
}

async fn actions(store: &Store) -> Vec<String> {
    let entries = store.audit_page(0).await.unwrap();
    entries.iter().map(|sealed| sealed.entry.action().to_owned()).collect()
}

pub(crate) async fn a_key_is_kept_as_it_was_told_last(stage: &Stage) {
    let store = stage.open().await;
    let (early, late) = (told("a", "early", 60), told("a", "late", 30));
    keep(&store, &early).await;
    keep(&store, &late).await;
    // Of another server, which asked before; nothing changes, so nothing is recorded.
    keep(&store, &early).await;
    store.close().await;
    let store = stage.open().await;
    assert_eq!(store.circle_keys().await.unwrap(), [late]);
    assert_eq!(actions(&store).await, ["circle_keys.keep"; 2]);
    assert_eq!(store.verify_audit(None, |_, _| ()).await.unwrap().entries, 2);
}

pub(crate) async fn the_key_told_longest_ago_gives_way(stage: &Stage) {
    let store = stage.open().await;
    let most = i64::from(CIRCLE_KEYS_MAX);
    for age_s in (0..=most).rev() {
        keep(&store, &told(&format!("key {age_s}"), "key", age_s)).await;
    }
    let kept = store.circle_keys().await.unwrap();
    assert_eq!((kept.len(), &*kept[0].id), (CIRCLE_KEYS_MAX as usize, "key 0"));
    assert!(kept.iter().all(|key| key.id != format!("key {most}")));
}

pub(crate) async fn a_key_that_is_dropped_is_gone_and_both_are_recorded(stage: &Stage) {
    let store = stage.open().await;
    keep(&store, &told("a", "key", 0)).await;
    for id in ["a", "a", "never kept"] {
        store.drop_circle_key(id, ACTOR, now()).await.unwrap();
    }
    assert_eq!(store.circle_keys().await.unwrap(), []);
    assert_eq!(actions(&store).await, ["circle_keys.keep", "circle_keys.drop"]);
    let detail: serde_json::Value =
        serde_json::from_str(store.audit_page(0).await.unwrap()[0].entry.detail()).unwrap();
    assert_eq!((&detail["public_key"], &detail["algorithm"]), (&"key".into(), &"ECDSA_SHA_256".into()));
    let fetched_at: Timestamp = detail["fetched_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(fetched_at, now());
}
