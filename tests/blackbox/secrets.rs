//! Secrets work from a file alone, change without a restart, and show nowhere.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use tests::{Server, ServerOptions};

const KEY: &str = "files-test-Hn8vTx3qWm6zLr2pKc9yBs5dJg";
const NEW_KEY: &str = "files-test-Jp4wRk7nXt9vMq1zGc6yLs8bHd";
const CANARY: &str = "canary-Zx7kQp2vWn9tLm4rBc8yHs3dJf6gTa";

fn write_secret(folder: &Path, name: &str, value: &str) {
    let path = folder.join(name);
    let fresh = folder.join(format!(".{name}.new"));
    std::fs::write(&fresh, value).unwrap();
    std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o400)).unwrap();
    std::fs::rename(fresh, path).unwrap();
}

fn with_files(folder: &Path) -> ServerOptions {
    ServerOptions::new().set("SECRETS_DIR", folder.to_string_lossy())
}

#[test]
fn files_alone_are_enough_and_the_server_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    write_secret(folder.path(), "api_keys", &format!("{KEY}:viewer\n"));
    let server = with_files(folder.path()).set("REQUIRE_AUTH", "true").start();
    assert_eq!(server.get("/api/symbols", &[]).status, 401);
    assert_eq!(server.get("/api/symbols", &[("x-api-key", KEY)]).status, 200);
}

#[test]
fn a_file_named_by_a_variable_works_and_both_forms_together_do_not() {
    let folder = tempfile::tempdir().unwrap();
    write_secret(folder.path(), "keys", KEY);
    let path = folder.path().join("keys").to_string_lossy().into_owned();
    let server = ServerOptions::new().set("API_KEYS_FILE", path.clone()).start();
    assert_eq!(server.get("/api/symbols", &[("x-api-key", KEY)]).status, 200);
    let (status, log) = ServerOptions::new().set("API_KEYS_FILE", path).set("API_KEYS", KEY).refused();
    assert!(!status.success() && log.contains("API_KEYS_FILE"), "{log}");
    assert!(!log.contains(KEY), "{log}");
}

#[test]
fn a_secret_that_cannot_be_read_stops_the_start_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("api_keys")).unwrap();
    let (status, log) = with_files(folder.path()).refused();
    assert!(!status.success() && log.contains("api_keys"), "{log}");
}

#[test]
fn keys_change_without_a_restart_and_a_bad_new_set_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    write_secret(folder.path(), "api_keys", KEY);
    let server = with_files(folder.path()).start();
    let accepts = |key: &str| server.get("/api/symbols", &[("x-api-key", key)]).status == 200;
    assert!(accepts(KEY) && !accepts(NEW_KEY));
    write_secret(folder.path(), "api_keys", &format!("{KEY},{NEW_KEY}"));
    wait_until(&server, || accepts(NEW_KEY));
    assert!(accepts(KEY), "both are valid while clients move");
    write_secret(folder.path(), "api_keys", "weak:owner");
    server.signal("HUP");
    std::thread::sleep(Duration::from_secs(1));
    assert!(accepts(KEY) && accepts(NEW_KEY), "the last good set stays");
    write_secret(folder.path(), "api_keys", NEW_KEY);
    wait_until(&server, || !accepts(KEY));
    assert!(accepts(NEW_KEY));
    assert!(!server.log().contains(KEY) && !server.log().contains(NEW_KEY));
}

fn wait_until(server: &Server, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    server.signal("HUP");
    while !condition() {
        assert!(Instant::now() < deadline, "not within 10 s; log:\n{}", server.log());
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_canary_key_shows_in_no_answer_log_or_metric() {
    // Port 9 (discard) of loopback refuses connections: the vendor is down.
    let server = ServerOptions::new()
        .set("API_KEYS", format!("{CANARY}:admin"))
        .set("POLYGON_API_KEY", CANARY.replace("canary", "vendor"))
        .set("POLYGON_BASE_URL", "http://127.0.0.1:9")
        .set("RUST_LOG", "trace")
        .start();
    let key = [("x-api-key", CANARY)];
    let secret = CANARY.trim_start_matches("canary-");
    for path in [
        "/api/analyze/AAPL",
        "/api/bars/AAPL",
        "/health",
        "/metrics",
        "/metrics/json",
        "/openapi.json",
        "/api/symbols",
        "/docs",
        "/nowhere",
    ] {
        let answer = server.get(path, &key);
        assert!(!answer.body.contains(secret), "{path}");
        assert!(!format!("{:?}", answer.headers).contains(secret), "{path}");
    }
    let wrong = server.get("/api/symbols", &[("authorization", &format!("Basic {CANARY}"))]);
    assert_eq!(wrong.status, 401);
    assert!(!wrong.body.contains(secret));
    std::thread::sleep(Duration::from_millis(400));
    assert!(!server.log().contains(secret), "{}", server.log());
}
