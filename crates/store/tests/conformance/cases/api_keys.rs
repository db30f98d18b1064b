//! API keys: created, rotated, revoked and used, each change with a new version and an audit entry.

use domain::{AccountScope, KeyMode, Role, Scope, Scopes};
use jiff::SignedDuration;
use store::{
    Actor, ApiKey, ApiKeyError, ApiKeyFilter, ApiKeySecret, ApiKeySettings, ApiKeyState, ApiKeyUse,
    KEY_VALIDITY_DEFAULT, Store,
};

use crate::fixture::{TestDatabase, after_s, now};

const ACTOR: Actor<'static> = Actor::named("key:test");
const DAY_S: i64 = 86_400;

fn secret(number: u8) -> ApiKeySecret {
    ApiKeySecret {
        id: format!("id{number:06}").parse().unwrap(),
        digest: [number; 32],
        last_characters: "wxyz".to_owned(),
    }
}

fn admin() -> ApiKeySettings {
    ApiKeySettings {
        mode: KeyMode::Test,
        name: "operator".to_owned(),
        role: Role::Admin,
        scopes: Scopes::ALL,
        accounts: AccountScope::All,
        ips: vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
        per_minute: std::num::NonZeroU32::new(600),
        burst: None,
        concurrency: std::num::NonZeroU32::new(5),
        metadata: serde_json::json!({ "team": "ops" }).as_object().unwrap().clone(),
    }
}

fn reader() -> ApiKeySettings {
    let scopes = Scopes::of(&[Scope::LedgerRead]);
    let accounts = "alpaca:a1+c-7".parse().unwrap();
    ApiKeySettings { role: Role::Viewer, scopes, accounts, ips: Vec::new(), ..admin() }
}

async fn create(store: &Store, settings: &ApiKeySettings, number: u8) -> ApiKey {
    let expires_at = now() + KEY_VALIDITY_DEFAULT;
    store.create_api_key(settings, expires_at, &secret(number), ACTOR, now()).await.unwrap()
}

async fn actions(store: &Store) -> Vec<String> {
    let entries = store.audit_page(0).await.unwrap();
    entries.iter().map(|sealed| sealed.entry.action().to_owned()).collect()
}

pub(crate) async fn a_key_is_stored_as_it_was_created(database: &TestDatabase) {
    let store = database.open().await;
    for (number, settings) in [(1, admin()), (2, reader())] {
        let created = create(&store, &settings, number).await;
        let stored = store.api_key(created.id).await.unwrap().unwrap();
        assert_eq!(format!("{created:?}"), format!("{stored:?}"));
        assert_eq!((&stored.settings, stored.digest, stored.forged), (&settings, [number; 32], None));
    }
    let (version, changed) = store.changed_api_keys(0).await.unwrap();
    assert_eq!((version, changed.len(), store.api_key_version().await.unwrap()), (2, 2, 2));
    assert_eq!(store.changed_api_keys(1).await.unwrap().1.len(), 1);
    assert_eq!(store.changed_api_keys(2).await.unwrap().1.len(), 0);
    assert_eq!(actions(&store).await, ["api_keys.create"; 2]);
    let detail = store.audit_page(0).await.unwrap()[1].entry.detail().to_owned();
    assert!(detail.contains("ledger:read") && !detail.contains("ops"), "{detail}");
    // The same id or digest again is an error, and changes nothing.
    assert!(store.create_api_key(&admin(), after_s(60), &secret(1), ACTOR, now()).await.is_err());
    assert_eq!(store.api_key_version().await.unwrap(), 2);
}

pub(crate) async fn a_rotated_key_has_one_successor_and_never_lives_longer(database: &TestDatabase) {
    let store = database.open().await;
    let key = create(&store, &reader(), 1).await;
    let rotate = async |number: u8, days: i64, at_s: i64| {
        let overlap = SignedDuration::from_secs(days * DAY_S);
        let ends_by = after_s(365 * DAY_S);
        store.rotate_api_key(key.id, (overlap, ends_by), &secret(number), ACTOR, after_s(at_s)).await
    };
    assert!(matches!(rotate(2, 31, 1).await, Err(ApiKeyError::Setting(_))));
    let successor = rotate(2, 30, 80 * DAY_S).await.unwrap();
    assert_eq!((successor.replaces, &successor.settings), (Some(key.id), &reader()));
    assert_eq!(successor.expires_at, after_s(80 * DAY_S) + KEY_VALIDITY_DEFAULT);
    let rotated = store.api_key(key.id).await.unwrap().unwrap();
    assert_eq!((rotated.successor, rotated.expires_at), (Some(successor.id), key.expires_at));
    assert_eq!(rotated.state(after_s(80 * DAY_S)), ApiKeyState::Rotated);
    assert_eq!(rotated.state(key.expires_at), ApiKeyState::Expired);
    assert!(
        matches!(rotate(3, 1, 80 * DAY_S).await, Err(ApiKeyError::HasSuccessor(id)) if id == successor.id)
    );
    assert!(matches!(rotate(3, 1, 91 * DAY_S).await, Err(ApiKeyError::Ended(ApiKeyState::Expired))));
    assert_eq!(actions(&store).await, ["api_keys.create", "api_keys.rotate"]);
    assert_eq!(store.changed_api_keys(1).await.unwrap().1.len(), 2, "both are loaded");

    let other = create(&store, &reader(), 4).await;
    let (at_once, ends_by) = (SignedDuration::ZERO, after_s(60));
    let at_once = store.rotate_api_key(other.id, (at_once, ends_by), &secret(5), ACTOR, after_s(9)).await;
    let at_once = at_once.unwrap();
    assert_eq!((at_once.replaces, at_once.expires_at), (Some(other.id), ends_by));
    assert_eq!(store.api_key(other.id).await.unwrap().unwrap().expires_at, after_s(9));
}

pub(crate) async fn a_key_is_revoked_once(database: &TestDatabase) {
    let store = database.open().await;
    let key = create(&store, &reader(), 1).await;
    let first = store.revoke_api_key(key.id, "leaked", ACTOR, after_s(1)).await.unwrap();
    let again = store.revoke_api_key(key.id, "again", ACTOR, after_s(2)).await.unwrap();
    assert_eq!((&first.revocation, first.version), (&again.revocation, again.version));
    assert_eq!(again.state(after_s(2)), ApiKeyState::Revoked);
    assert_eq!(actions(&store).await, ["api_keys.create", "api_keys.revoke"]);
    let unknown = store.revoke_api_key("nobodyXX".parse().unwrap(), "x", ACTOR, now()).await;
    assert!(matches!(unknown, Err(ApiKeyError::NotFound)));
    let unprintable = store.revoke_api_key(key.id, "a\nb", ACTOR, after_s(2)).await;
    assert!(matches!(unprintable, Err(ApiKeyError::Setting(_))));
    assert_eq!(store.api_key_version().await.unwrap(), 2);
    let racing = create(&store, &reader(), 2).await.id;
    let revoke = |at_s: i64| {
        let store = store.clone();
        async move { store.revoke_api_key(racing, "race", ACTOR, after_s(at_s)).await.unwrap() }
    };
    let revoked: Vec<_> = (3..7).map(|at_s| tokio::spawn(revoke(at_s))).collect();
    for revoked in revoked {
        revoked.await.unwrap();
    }
    assert_eq!(store.api_key_version().await.unwrap(), 4, "one of them revoked it");
}

pub(crate) async fn the_first_key_is_created_once_by_many_at_the_same_time(database: &TestDatabase) {
    let stores = [database.open().await, database.open().await];
    let create = |number: u8| {
        let store = stores[usize::from(number) % 2].clone();
        async move {
            store
                .create_first_api_key(
                    &admin(),
                    after_s(60),
                    &secret(number),
                    &[KeyMode::Test],
                    Actor::named("bootstrap"),
                    now(),
                )
                .await
        }
    };
    let tasks: Vec<_> = (0..8).map(|number| tokio::spawn(create(number))).collect();
    let mut created = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Ok(key) => created.push(key.id),
            Err(ApiKeyError::HasAdmin) => {}
            Err(error) => panic!("{error}"),
        }
    }
    let [first] = created[..] else { panic!("{created:?}") };
    assert_eq!(actions(&stores[0]).await, ["api_keys.bootstrap"]);
    // Nobody is locked out: without a valid one, it works again.
    stores[0].revoke_api_key(first, "lost", ACTOR, now()).await.unwrap();
    assert!(create(9).await.is_ok());
    // A key that administers something else is not the first.
    let other = ApiKeySettings { scopes: Scopes::of(&[Scope::LedgerAdmin]), ..admin() };
    stores[0].revoke_api_key(secret(9).id, "lost", ACTOR, now()).await.unwrap();
    stores[0].create_api_key(&other, after_s(60), &secret(10), ACTOR, now()).await.unwrap();
    assert!(create(11).await.is_ok());
    // A key that no server accepts keeps nobody out: of another mode, or forged.
    stores[0].revoke_api_key(secret(11).id, "lost", ACTOR, now()).await.unwrap();
    let live = ApiKeySettings { mode: KeyMode::Live, ..admin() };
    stores[0].create_api_key(&live, after_s(60), &secret(12), ACTOR, now()).await.unwrap();
    assert!(create(13).await.is_ok());
    assert!(create(14).await.is_err());
    let forgery = format!("UPDATE api_keys SET name = 'forged' WHERE id = '{}'", secret(13).id);
    assert!(database.tamper("api_keys", &forgery).await);
    assert!(create(15).await.is_ok());
}

pub(crate) async fn uses_are_added_and_the_last_one_counts(database: &TestDatabase) {
    let store = database.open().await;
    let ids = [create(&store, &reader(), 1).await.id, create(&store, &reader(), 2).await.id];
    let used = |at_s: i64, ip: &str| ApiKeyUse { at: after_s(at_s), ip: ip.parse().unwrap() };
    store.add_api_key_uses(&[(ids[0], 3, used(9, "192.0.2.1"))]).await.unwrap();
    // From another server, which wrote later what it had seen earlier.
    store.add_api_key_uses(&[(ids[0], 2, used(5, "2001:db8::1"))]).await.unwrap();
    let key = store.api_key(ids[0]).await.unwrap().unwrap();
    assert_eq!((key.uses, key.last_use, key.forged), (5, Some(used(9, "192.0.2.1")), None));
    assert_eq!(store.api_key_version().await.unwrap(), 2, "a use is no change");
    let list = async |filter| {
        let keys = store.api_keys(filter, 10, now()).await.unwrap();
        keys.iter().map(|key| key.id).collect::<Vec<_>>()
    };
    assert_eq!(list(ApiKeyFilter::default()).await, [ids[1], ids[0]]);
    assert_eq!(list(ApiKeyFilter { after: Some(ids[1]), ..ApiKeyFilter::default() }).await, [ids[0]]);
    let unused_since = Some(after_s(7));
    assert_eq!(list(ApiKeyFilter { unused_since, ..ApiKeyFilter::default() }).await, [ids[1]]);
}

pub(crate) async fn a_forged_key_is_recognized(database: &TestDatabase) {
    let store = database.open().await;
    let key = create(&store, &reader(), 1).await;
    for forgery in [
        "role = 'admin', accounts = NULL",
        "scopes = 'keys:admin'",
        "expires_at = expires_at + 1",
        "accounts = accounts || '+alpaca:a2'",
        "per_minute = 1000000",
        "mode = 'live'",
        "digest = (SELECT hash FROM audit_head)",
        // What this release cannot read.
        "scopes = scopes || ' ledger:write'",
        "ips = '10.0.0.0/99'",
        "role = 'root', expires_at = 9000000000000000000",
    ] {
        assert!(database.tamper("api_keys", &format!("UPDATE api_keys SET {forgery}")).await, "{forgery}");
        let forged = store.api_key(key.id).await.unwrap().unwrap();
        assert_eq!(forged.state(now()), ApiKeyState::Forged, "{forgery}");
        let loaded = store.changed_api_keys(0).await.unwrap().1;
        assert_eq!((loaded.len(), loaded[0].digest == forged.digest), (1, true), "{forgery}");
        store.revoke_api_key(key.id, "forged", ACTOR, now()).await.unwrap();
        let revoked = store.api_key(key.id).await.unwrap().unwrap();
        assert!(revoked.forged.is_some() && revoked.revocation.is_some(), "{forgery}: {revoked:?}");
        database.restore("api_keys").await;
    }
    assert_eq!(store.api_key(key.id).await.unwrap().unwrap().state(now()), ApiKeyState::Active);
}
