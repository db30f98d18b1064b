//! Public keys of Circle, stored for when Circle is unreachable.

use jiff::{SignedDuration, Timestamp};
use store::{Actor, CIRCLE_KEYS_MAX, CircleKey, Store};

use crate::fixture::{TestDatabase, now};

const ACTOR: Actor<'static> = Actor::named("worker:test");

fn fetched(id: &str, public_key: &str, age_s: i64) -> CircleKey {
    CircleKey {
        id: id.to_owned(),
        algorithm: "ECDSA_SHA_256".to_owned(),
        public_key: public_key.to_owned(),
        fetched_at: now() - SignedDuration::from_secs(age_s),
    }
}

async fn save(store: &Store, key: &CircleKey) {
    store.save_circle_key(key, ACTOR, now()).await.unwrap();
}

async fn actions(store: &Store) -> Vec<String> {
    let entries = store.audit_page(0).await.unwrap();
    entries.iter().map(|sealed| sealed.entry.action().to_owned()).collect()
}

pub(crate) async fn the_last_fetched_copy_of_a_key_is_stored(database: &TestDatabase) {
    let store = database.open().await;
    let (early, late) = (fetched("a", "early", 60), fetched("a", "late", 30));
    save(&store, &early).await;
    save(&store, &late).await;
    // From another server, which fetched it earlier; nothing changes, so nothing is audited.
    save(&store, &early).await;
    store.close().await;
    let store = database.open().await;
    assert_eq!(store.circle_keys().await.unwrap(), [late]);
    assert_eq!(actions(&store).await, ["circle_keys.save"; 2]);
    assert_eq!(store.verify_audit(None, |_, _| ()).await.unwrap().entries, 2);
}

pub(crate) async fn the_key_fetched_longest_ago_is_deleted(database: &TestDatabase) {
    let store = database.open().await;
    let most = i64::from(CIRCLE_KEYS_MAX);
    for age_s in (0..=most).rev() {
        save(&store, &fetched(&format!("key {age_s}"), "key", age_s)).await;
    }
    let keys = store.circle_keys().await.unwrap();
    assert_eq!((keys.len(), &*keys[0].id), (CIRCLE_KEYS_MAX as usize, "key 0"));
    assert!(keys.iter().all(|key| key.id != format!("key {most}")));
}

pub(crate) async fn saving_and_deleting_a_key_are_audited(database: &TestDatabase) {
    let store = database.open().await;
    save(&store, &fetched("a", "key", 0)).await;
    for id in ["a", "a", "never stored"] {
        store.delete_circle_key(id, ACTOR, now()).await.unwrap();
    }
    assert_eq!(store.circle_keys().await.unwrap(), []);
    assert_eq!(actions(&store).await, ["circle_keys.save", "circle_keys.delete"]);
    let detail: serde_json::Value =
        serde_json::from_str(store.audit_page(0).await.unwrap()[0].entry.detail()).unwrap();
    assert_eq!((&detail["public_key"], &detail["algorithm"]), (&"key".into(), &"ECDSA_SHA_256".into()));
    let fetched_at: Timestamp = detail["fetched_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(fetched_at, now());
}
