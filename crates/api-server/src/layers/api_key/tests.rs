use std::num::NonZeroU32;

use config::api_keys::KeySet;

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
