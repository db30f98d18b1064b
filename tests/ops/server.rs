//! What an operator changes takes effect in a running server, without a restart.

use std::time::{Duration, Instant};

use tests::secrets_manager::{ACCESS_KEY_ID, FakeSecretsManager, SECRET_ACCESS_KEY};
use tests::{Server, ServerOptions};

use crate::command::Place;

/// The server's freshness in these tests, and so how often it asks.
const TTL_S: &str = "1";
/// Longest wait for a change to be noticed.
const NOTICE_WAIT: Duration = Duration::from_secs(90);

fn ready() -> (FakeSecretsManager, Place, Server) {
    let aws = FakeSecretsManager::start();
    let place = crate::aws::account(&aws.endpoint_url());
    assert_eq!(place.run("secrets setup-aws").code, 0);
    let server = ServerOptions::new()
        .set("SECRET_PREFIX", "test/rail")
        .set("AWS_REGION", "us-east-1")
        .set("AWS_ENDPOINT_URL", aws.endpoint_url())
        .set("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .set("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        .set("SECRET_TTL_SECS", TTL_S)
        .set("REQUIRE_AUTH", "true")
        .set("AUTH_FAILURES_PER_MINUTE", "10000")
        .set("RATE_LIMIT_PER_MINUTE", "1000000")
        .start();
    (aws, place, server)
}

/// The key of the list under this label.
fn key(aws: &FakeSecretsManager, label: &str) -> String {
    let list = aws.text("test/rail/api-keys", label).unwrap();
    list.rsplit_once(':').unwrap().0.to_owned()
}

fn accepts(server: &Server, key: &str) -> bool {
    server.get("/api/symbols", &[("x-api-key", key)]).status == 200
}

fn soon(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + NOTICE_WAIT;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Whether the server says that a list is on its way out.
fn has_leaving_list(server: &Server) -> bool {
    let series = "investiq_secret_previous_expires_timestamp_seconds{secret=\"api_keys\"}";
    server.get("/metrics", &[]).body.contains(series)
}

#[test]
fn after_a_rotation_the_list_before_is_accepted_for_its_overlap_and_can_come_back() {
    let (aws, place, server) = ready();
    let old = key(&aws, "AWSCURRENT");
    assert!(accepts(&server, &old));
    let begun = place.run("secrets rotate api_keys");
    assert_eq!(begun.code, 0, "{begun:?}");
    assert!(begun.err.contains("1 of the keys in use are not in the new list"), "{begun:?}");
    let new = key(&aws, "AWSPENDING");
    soon("the announced key is accepted", || accepts(&server, &new));
    assert!(accepts(&server, &old), "the old one still is");
    assert_eq!(place.run("secrets resume api_keys --reported").code, 0);
    soon("the new list takes over", || has_leaving_list(&server));
    assert!(accepts(&server, &old) && accepts(&server, &new), "callers have a day to change their keys");
    assert_eq!(place.run("secrets retire api_keys --unused").code, 2, "its overlap is not over");

    let back = place.run("secrets rollback api_keys");
    assert_eq!((back.code, key(&aws, "AWSCURRENT")), (0, old.clone()), "{back:?}");
    let seen = aws.calls_total();
    soon("the server has looked several times", || aws.calls_total() >= seen + 3);
    assert!(accepts(&server, &old) && accepts(&server, &new));
}

#[test]
fn a_list_that_is_rotated_without_an_overlap_ends_and_does_not_come_back() {
    let (aws, place, server) = ready();
    let old = key(&aws, "AWSCURRENT");
    assert_eq!(place.run("secrets rotate api_keys --overlap 0s").code, 0);
    let new = key(&aws, "AWSPENDING");
    soon("the announced key is accepted", || accepts(&server, &new));
    assert_eq!(place.run("secrets resume api_keys --reported").code, 0);
    soon("the old key is refused", || !accepts(&server, &old));
    assert!(accepts(&server, &new));
    let back = place.run("secrets rollback api_keys");
    assert_eq!(back.code, 2, "not every process would accept it: {back:?}");
}

#[test]
fn an_emergency_ends_the_old_key_in_the_server() {
    let (aws, place, server) = ready();
    let old = key(&aws, "AWSCURRENT");
    assert!(accepts(&server, &old));
    assert_eq!(place.run("secrets emergency api_keys --reason leaked").code, 0);
    soon("the old key is refused", || !accepts(&server, &old));
    soon("the new one is accepted", || accepts(&server, &key(&aws, "AWSCURRENT")));
}
