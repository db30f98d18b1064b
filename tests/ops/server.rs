//! An operator's changes take effect in a running server, without a restart.

use std::time::{Duration, Instant};

use tests::secrets_manager::{ACCESS_KEY_ID, FakeSecretsManager, SECRET_ACCESS_KEY};
use tests::{Server, ServerOptions};

use crate::command::Workspace;

/// The server's time to live of secrets, and so its refresh interval.
const TTL_S: &str = "1";
/// For a change to take effect.
const TIMEOUT: Duration = Duration::from_secs(90);

fn account_with_secrets() -> (FakeSecretsManager, Workspace, Server) {
    let aws = FakeSecretsManager::start();
    let workspace = crate::aws::account(&aws.endpoint_url());
    assert_eq!(workspace.run("secrets setup-aws").exit_code, 0);
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
    (aws, workspace, server)
}

/// The API key of the list with this label.
fn key(aws: &FakeSecretsManager, label: &str) -> String {
    let list = aws.text("test/rail/api-keys", label).unwrap();
    list.rsplit_once(':').unwrap().0.to_owned()
}

fn accepts(server: &Server, key: &str) -> bool {
    server.get("/api/symbols", &[("x-api-key", key)]).status == 200
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + TIMEOUT;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Whether the server reports a previous list within its overlap.
fn has_previous_list(server: &Server) -> bool {
    let series = "investiq_secret_previous_expires_timestamp_seconds{secret=\"api_keys\"}";
    server.get("/metrics", &[]).body.contains(series)
}

#[test]
fn after_a_rotation_the_previous_list_is_accepted_and_can_be_restored() {
    let (aws, workspace, server) = account_with_secrets();
    let old = key(&aws, "AWSCURRENT");
    assert!(accepts(&server, &old));
    let started = workspace.run("secrets rotate api_keys");
    assert_eq!(started.exit_code, 0, "{started:?}");
    assert!(started.stderr.contains("1 of the keys in use are not in the new list"), "{started:?}");
    let new = key(&aws, "AWSPENDING");
    wait_until("the announced key is accepted", || accepts(&server, &new));
    assert!(accepts(&server, &old), "the old key still is");
    assert_eq!(workspace.run("secrets resume api_keys --reported").exit_code, 0);
    wait_until("the new list is current", || has_previous_list(&server));
    assert!(accepts(&server, &old) && accepts(&server, &new), "clients have a day to switch");
    assert_eq!(workspace.run("secrets retire api_keys --unused").exit_code, 2, "the overlap is not over");

    let rollback = workspace.run("secrets rollback api_keys");
    assert_eq!((rollback.exit_code, key(&aws, "AWSCURRENT")), (0, old.clone()), "{rollback:?}");
    let before = aws.calls_total();
    wait_until("the server has refreshed several times", || aws.calls_total() >= before + 3);
    assert!(accepts(&server, &old) && accepts(&server, &new));
}

#[test]
fn a_list_that_is_rotated_without_an_overlap_cannot_be_restored() {
    let (aws, workspace, server) = account_with_secrets();
    let old = key(&aws, "AWSCURRENT");
    assert_eq!(workspace.run("secrets rotate api_keys --overlap 0s").exit_code, 0);
    let new = key(&aws, "AWSPENDING");
    wait_until("the announced key is accepted", || accepts(&server, &new));
    assert_eq!(workspace.run("secrets resume api_keys --reported").exit_code, 0);
    wait_until("the old key is rejected", || !accepts(&server, &old));
    assert!(accepts(&server, &new));
    let rollback = workspace.run("secrets rollback api_keys");
    assert_eq!(rollback.exit_code, 2, "not every process would accept it: {rollback:?}");
}

#[test]
fn an_emergency_revokes_the_old_key_in_the_server() {
    let (aws, workspace, server) = account_with_secrets();
    let old = key(&aws, "AWSCURRENT");
    assert!(accepts(&server, &old));
    assert_eq!(workspace.run("secrets emergency api_keys --reason leaked").exit_code, 0);
    wait_until("the old key is rejected", || !accepts(&server, &old));
    wait_until("the new key is accepted", || accepts(&server, &key(&aws, "AWSCURRENT")));
}
