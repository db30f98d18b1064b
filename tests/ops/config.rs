//! The settings are checked as the server loads them, under the profile that is asked for and no other.

use crate::command::{CANARY, Place};

/// Settings that production has nothing to say against.
fn sound() -> Place {
    Place::new()
        .set("BIND_ADDRESS", "0.0.0.0:3000")
        .set("TRUSTED_PROXIES", "10.0.0.0/8")
        .set("ENABLE_SWAGGER", "false")
}

fn errors(place: &Place, arguments: &str) -> Vec<String> {
    place.run(&format!("config check {arguments} --json")).errors()
}

#[test]
fn sound_settings_pass() {
    let ran = sound().run("config check production --json");
    assert_eq!((ran.code, ran.errors()), (0, Vec::new()), "{ran:?}");
    assert_eq!(ran.json()["profile"], "production");
}

#[test]
fn every_fault_is_told_at_once_with_its_source() {
    let place = sound().set("BIND_ADDRESS", "nowhere").set("RATE_LIMIT_PER_MINUTE", "-1");
    let ran = place.run("config check production --json");
    assert_eq!(ran.code, 3, "{ran:?}");
    assert_eq!(ran.errors(), ["setting rate_limit.per_minute", "setting server.bind_address"]);
    assert!(ran.out.contains("RATE_LIMIT_PER_MINUTE"), "{ran:?}");
}

#[test]
fn what_the_server_accepts_and_production_should_not_is_found() {
    for (variable, value, expected) in [
        ("TRUSTED_PROXIES", "", "trusted_proxies server.trusted_proxies"),
        ("RATE_LIMIT_PER_MINUTE", "1000000", "rate_limit rate_limit.per_minute"),
        ("RUST_LOG", "info,aws_smithy_runtime=trace", "trace logs.filter"),
        ("POLYGON_BASE_URL", "http://127.0.0.1:9", "plain_http market_data.polygon.base_url"),
        ("REQUIRE_AUTH", "false", "setting auth.required"),
        ("METRICS_ACCESS", "open", "setting metrics.access"),
    ] {
        let place = sound().set(variable, value);
        assert_eq!(errors(&place, "production"), [expected], "{variable}");
    }
    let proxies = sound().set("TRUSTED_PROXIES", "");
    assert_eq!(errors(&proxies, "staging"), Vec::<String>::new(), "staging is warned");
}

#[test]
fn no_variable_turns_a_check_of_production_into_another_one() {
    let place = Place::new().set("INVESTIQ_PROFILE", "development").set("BIND_ADDRESS", "127.0.0.1:3000");
    let ran = place.run("config check production --json");
    assert_eq!(ran.json()["profile"], "production");
    assert_eq!(ran.code, 3, "{ran:?}");
    assert_eq!(place.run("config check prod").code, 1);
}

#[test]
fn warnings_fail_a_strict_check_alone() {
    let place = sound().set("ENABLE_SWAGGER", "true");
    assert_eq!(place.run("config check production").code, 0);
    assert_eq!(place.run("config check production --strict").code, 3);
}

#[test]
fn secrets_are_resolved_and_said_where() {
    let place = sound();
    assert_eq!(errors(&place, "production"), Vec::<String>::new(), "not looked for unless asked");
    assert_eq!(errors(&place, "production --resolve"), ["missing api_keys"]);
    place.run("secrets init");
    place.plant("polygon_api_key", CANARY, 0o444);
    let directory = place.path("secrets").to_string_lossy().into_owned();
    let place = place.set("SECRETS_DIR", &directory);
    let ran = place.run("config check production --resolve --json");
    assert_eq!((ran.code, ran.errors()), (0, Vec::new()), "{ran:?}");
    assert!(ran.err.contains("secrets/polygon_api_key (secure)"), "{ran:?}");
}

#[test]
fn a_vendor_that_cannot_be_reached_is_found() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let place = sound();
    place.run("secrets init");
    place.plant("polygon_api_key", CANARY, 0o444);
    let directory = place.path("secrets").to_string_lossy().into_owned();
    let place = place.set("SECRETS_DIR", &directory).set("POLYGON_BASE_URL", &url);
    assert_eq!(errors(&place, "production --connect"), Vec::<String>::new());
    // Port 9 (discard) of loopback refuses connections; the listener's own might be another's as soon as it is free.
    let place = place.set("POLYGON_BASE_URL", "https://127.0.0.1:9");
    assert_eq!(errors(&place, "production --connect"), ["connect market_data.polygon.base_url"]);
}
