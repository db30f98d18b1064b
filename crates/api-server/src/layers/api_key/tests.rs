use std::num::NonZeroU32;

use config::api_keys::{KeySet, Role};

use super::*;
use crate::keys::KeyRing;

const VIEWER: &str = "k7Vn2Qx9LpR4tYw8ZbM3cDf6HjGs5Aa1";
const ADMIN: &str = "Zq8Wm3Xc6Vb9Nn2Ll5Kk7Jj1Hh4Gg0Ff";

fn layer() -> ApiKeys {
    let five = NonZeroU32::new(5).unwrap();
    let limit = rate_limit::Limit { per_minute: five, burst: five };
    let set = KeySet::parse(&format!("{VIEWER},{ADMIN}:admin"), limit).unwrap();
    let metrics = Arc::new(Metrics::new(telemetry::metrics::Labels::default()).unwrap());
    let ring = Arc::new(KeyRing::new(set, limit, Arc::clone(&metrics)));
    let bans = Arc::new(Bans::off(Arc::clone(&metrics)));
    ApiKeys::new(AuthMode::Keys(ring), DirectRequests::new(&[]), 10, metrics, Arc::default(), bans)
}

fn authenticate(layer: &ApiKeys, from: &str, headers: &[(&'static str, &str)]) -> Result<Role, Problem> {
    let mut request = Request::default();
    RequestContext::attach_from(&mut request, from);
    for (name, value) in headers {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    layer.identify(&request)?;
    layer.on_request(&mut request)?;
    Ok(RequestContext::get(request.extensions())?.caller.get().unwrap().role)
}

fn status(result: Result<Role, Problem>) -> u16 {
    result.map_or_else(|problem| problem.kind.status().as_u16(), |_| 200)
}

#[test]
fn exactly_one_valid_key_is_accepted() {
    let layer = layer();
    let bearer = format!("Bearer {ADMIN}");
    let lower = format!("bearer {VIEWER}");
    assert_eq!(authenticate(&layer, "192.0.2.1", &[("x-api-key", VIEWER)]).unwrap(), Role::Viewer);
    assert_eq!(authenticate(&layer, "192.0.2.1", &[("authorization", &bearer)]).unwrap(), Role::Admin);
    assert_eq!(authenticate(&layer, "192.0.2.1", &[("authorization", &lower)]).unwrap(), Role::Viewer);
    let padded = format!("Bearer  {VIEWER}");
    let basic = format!("Basic {VIEWER}");
    for (headers, expected) in [
        (&[][..], 401),
        (&[("x-api-key", "")], 401),
        (&[("x-api-key", "wrong")], 401),
        (&[("authorization", VIEWER)], 401),
        (&[("authorization", &padded)], 401),
        (&[("authorization", &basic)], 401),
        (&[("x-api-key", VIEWER), ("x-api-key", VIEWER)], 400),
        (&[("x-api-key", VIEWER), ("authorization", "Bearer wrong")], 400),
        (&[("authorization", &bearer), ("authorization", &bearer)], 400),
    ] {
        assert_eq!(status(authenticate(&layer, "192.0.2.1", headers)), expected, "{headers:?}");
    }
}

#[test]
fn without_keys_a_name_that_a_web_page_may_have_and_a_proxy_are_refused() {
    let metrics = Arc::new(Metrics::new(telemetry::metrics::Labels::default()).unwrap());
    let bans = Arc::new(Bans::off(Arc::clone(&metrics)));
    let (keyless, keyed) =
        (ApiKeys::new(AuthMode::Open, DirectRequests::new(&[]), 10, metrics, Arc::default(), bans), layer());
    let public = ("host", "attacker.example:3000");
    assert_eq!(status(authenticate(&keyless, "127.0.0.1", &[("host", "localhost:3000")])), 200);
    assert_eq!(status(authenticate(&keyless, "127.0.0.1", &[public])), 403);
    let forwarded = [("host", "localhost:3000"), ("x-real-ip", "127.0.0.1")];
    assert_eq!(status(authenticate(&keyless, "127.0.0.1", &forwarded)), 403);
    assert_eq!(status(authenticate(&keyed, "192.0.2.1", &[public, ("x-api-key", VIEWER)])), 200);
}

#[test]
fn every_invalid_key_gets_the_same_response() {
    let layer = layer();
    let responses = ["", "wrong", "iq_live_abcdefgh_wrong", VIEWER.get(1..).unwrap()].map(|key| {
        let problem = authenticate(&layer, "192.0.2.1", &[("x-api-key", key)]).unwrap_err();
        format!("{problem:?}")
    });
    assert!(responses.iter().all(|response| *response == responses[0]), "{responses:?}");
}

#[test]
fn invalid_keys_are_slowed_down_and_lock_out_nobody_else() {
    let layer = layer();
    let wrong = |from| status(authenticate(&layer, from, &[("x-api-key", "wrong")]));
    let statuses: Vec<u16> = (0..12).map(|_| wrong("192.0.2.1")).collect();
    assert_eq!(statuses, [[401; 10].as_slice(), &[429; 2]].concat());
    assert_eq!(wrong("192.0.2.2"), 401);
    assert_eq!(status(authenticate(&layer, "192.0.2.1", &[("x-api-key", VIEWER)])), 200);
    assert_eq!(wrong("192.0.2.1"), 429, "success does not reset the counter");
    assert_eq!(layer.metrics.auth_rejected.get(), 11);
    assert_eq!(layer.metrics.auth_throttled.get(), 3);
}

#[test]
fn many_addresses_that_guess_one_key_are_slowed_down_together() {
    let layer = layer();
    let guess = |host: u8| {
        status(authenticate(&layer, &format!("192.0.2.{host}"), &[("x-api-key", "iq_live_abcdefgh_guess")]))
    };
    let statuses: Vec<u16> = (1..=12).map(guess).collect();
    assert_eq!(statuses, [[401; 10].as_slice(), &[429; 2]].concat());
}

/// A layer with a key of the database, whose last answer was so long ago.
async fn stored(
    scopes: domain::Scopes,
    changed: fn(&mut store::ApiKeySettings),
    silent_for_s: u64,
) -> (ApiKeys, String, (store::Store, tempfile::TempDir)) {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", directory.path().join("test.db").display()).parse().unwrap();
    let (key, now) = (audit::Key::new(&[7; 32]).unwrap(), Clock::System.now());
    let store = store::Store::open(store::StoreConfig::new(url), key, now).await.unwrap();
    let mut settings = store::ApiKeySettings {
        mode: config::api_keys::KeyMode::Test,
        name: "test".to_owned(),
        role: Role::Admin,
        scopes,
        accounts: domain::AccountScope::All,
        ips: Vec::new(),
        per_minute: None,
        burst: None,
        concurrency: None,
        metadata: serde_json::Map::new(),
    };
    changed(&mut settings);
    let new = config::api_keys::generate(settings.mode).unwrap();
    let expires_at = now + jiff::SignedDuration::from_mins(1);
    let actor = store::Actor::named("test");
    store.create_api_key(&settings, expires_at, &new.secret(), actor, now).await.unwrap();
    let five = NonZeroU32::new(5).unwrap();
    let limit = rate_limit::Limit { per_minute: five, burst: five };
    let metrics = Arc::new(Metrics::new(telemetry::metrics::Labels::default()).unwrap());
    let ring = KeyRing::new(KeySet::default(), limit, Arc::clone(&metrics));
    let ring = ring.with_database(config::Profile::Development, None).silent_for_s(silent_for_s);
    ring.apply_stored(store.changed_api_keys(0).await.unwrap(), now);
    let mode = AuthMode::Keys(Arc::new(ring));
    let (observe, clock) = (config::BanMode::Observe, Clock::System);
    let bans = Bans::new(
        observe,
        Vec::new(),
        crate::client_address::TrustedProxies::default(),
        Arc::clone(&metrics),
        clock,
    );
    let layer = ApiKeys::new(mode, DirectRequests::new(&[]), 1000, metrics, Arc::default(), Arc::new(bans));
    (layer, new.expose().to_owned(), (store, directory))
}

#[tokio::test]
async fn a_key_that_has_ended_is_refused_without_a_ban_and_its_uses_are_written() {
    let (layer, key, (store, _directory)) = stored(domain::Scopes::READ, |_| (), 0).await;
    assert_eq!(status(authenticate(&layer, "192.0.2.1", &[("x-api-key", &key)])), 200);
    let now = Clock::System.now();
    let id = store.api_keys(store::ApiKeyFilter::default(), 1, now).await.unwrap()[0].id;
    store.revoke_api_key(id, "test", store::Actor::named("test"), now).await.unwrap();
    let AuthMode::Keys(ring) = &layer.mode else { unreachable!() };
    ring.apply_stored(store.changed_api_keys(1).await.unwrap(), now);
    let bans = || layer.metrics.bans(Offence::WrongKey.name()).get();
    for _ in 0..200 {
        assert_eq!(status(authenticate(&layer, "192.0.2.1", &[("x-api-key", &key)])), 401);
    }
    assert_eq!(bans(), 0);
    for number in 0..200 {
        let wrong = format!("wrong{number}");
        assert_eq!(status(authenticate(&layer, "192.0.2.1", &[("x-api-key", &wrong)])), 401);
    }
    assert!(bans() > 0);
    for _ in 0..2 {
        crate::keys::flush_uses(ring, &store).await;
        assert_eq!(store.api_key(id).await.unwrap().unwrap().uses, 1);
    }
}

#[tokio::test]
async fn a_new_audit_key_proves_rows_again_and_a_key_that_expired_a_day_ago_has_no_metrics() {
    let (layer, key, (store, _directory)) = stored(domain::Scopes::READ, |_| (), 0).await;
    let AuthMode::Keys(ring) = &layer.mode else { unreachable!() };
    let audit_key = audit::Key::new(&[7; 32]).unwrap();
    let (now, (version, mut changed)) = (Clock::System.now(), store.changed_api_keys(0).await.unwrap());
    let unknown = audit::ProofError::UnknownKey { key: audit_key.id() };
    changed[0].forged = Some(store::Forgery::Proof(unknown));
    // A changed row may have another digest, too.
    changed[0].digest = [7; 32];
    ring.apply_stored((version, changed), now);
    assert!(ring.find(key.as_bytes()).is_none());
    let loader =
        crate::keys::StoredKeyLoader::new(Arc::clone(ring), store.clone(), Arc::clone(&layer.metrics));
    loader.load().await.unwrap();
    assert!(ring.find(key.as_bytes()).is_none());
    store.set_audit_key(audit_key).unwrap();
    loader.load().await.unwrap();
    let label = ring.find(key.as_bytes()).unwrap().label();
    let has_series = || layer.metrics.text().unwrap().contains(&format!("key=\"{label}\""));
    ring.end_expired(now + jiff::SignedDuration::from_hours(24));
    assert!(has_series());
    ring.end_expired(now + jiff::SignedDuration::from_hours(25));
    assert!(!has_series() && ring.find(key.as_bytes()).is_none());
}

#[tokio::test]
async fn a_key_that_may_change_something_is_refused_while_the_database_is_silent() {
    let (read, all) = (domain::Scopes::READ, domain::Scopes::ALL);
    for (scopes, silent_for_s, expected) in
        [(read, 0, 200), (all, 0, 200), (all, 29, 200), (read, 31, 200), (all, 31, 503)]
    {
        let (layer, key, _) = stored(scopes, |_| (), silent_for_s).await;
        let checked = authenticate(&layer, "192.0.2.1", &[("x-api-key", &key)]);
        assert_eq!(status(checked), expected, "{scopes} after {silent_for_s} s");
    }
}

#[tokio::test]
async fn a_key_of_another_mode_is_unknown_and_one_from_another_address_is_refused_without_a_charge() {
    let (layer, key, _) =
        stored(domain::Scopes::READ, |settings| settings.mode = config::api_keys::KeyMode::Live, 0).await;
    assert_eq!(status(authenticate(&layer, "192.0.2.1", &[("x-api-key", &key)])), 401);
    let (layer, key, _) =
        stored(domain::Scopes::READ, |settings| settings.ips = vec!["192.0.2.0/24".parse().unwrap()], 0)
            .await;
    for _ in 0..20 {
        let refused = authenticate(&layer, "198.51.100.1", &[("x-api-key", &key)]).unwrap_err();
        assert_eq!(refused.kind, Kind::Forbidden);
    }
    let AuthMode::Keys(ring) = &layer.mode else { unreachable!() };
    assert_eq!(ring.find(key.as_bytes()).unwrap().limiter.check().unwrap().remaining, 4);
    assert_eq!(status(authenticate(&layer, "192.0.2.9", &[("x-api-key", &key)])), 200);
}
