//! Secrets in files: they suffice, change without a restart, and appear nowhere.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

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
    // The tests poll, which must not hit a limit.
    ServerOptions::new()
        .set("SECRETS_DIR", folder.to_string_lossy())
        .set("RATE_LIMIT_PER_MINUTE", "1000000000")
        .set("AUTH_FAILURES_PER_MINUTE", "10000")
}

#[test]
fn files_alone_suffice_and_the_server_requires_a_key() {
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
    let (status, log) = ServerOptions::new().set("API_KEYS_FILE", path).set("API_KEYS", KEY).start_failure();
    assert!(!status.success() && log.contains("API_KEYS_FILE"), "{log}");
    assert!(!log.contains(KEY), "{log}");
}

#[test]
fn an_unreadable_secret_prevents_the_start_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("api_keys")).unwrap();
    let (status, log) = with_files(folder.path()).start_failure();
    assert!(!status.success() && log.contains("api_keys"), "{log}");
}

#[test]
fn a_secret_in_the_wrong_place_prevents_the_start_outside_development_and_is_warned_about_there() {
    let folder = tempfile::tempdir().unwrap();
    write_secret(folder.path(), "api_keys.text", KEY);
    let missing = folder.path().join("secret").to_string_lossy().into_owned();
    for (options, named) in [
        (with_files(folder.path()), "api_keys.text is not named after a secret: rename it to api_keys"),
        (ServerOptions::new().set("SECRETS_DIR", missing.clone()), "/secret does not exist"),
    ] {
        let server = options.start();
        let warned =
            |event: &serde_json::Value| event["level"] == "WARN" && event.to_string().contains(named);
        assert!(server.events().iter().any(warned), "{named}: {}", server.log());
        let strict = options.set("INVESTIQ_PROFILE", "staging").set("DATABASE_URL", "sqlite:data/new.db");
        let (status, log) = strict.start_failure();
        assert!(!status.success() && log.contains(named), "{named}: {log}");
    }
}

#[test]
fn a_file_has_one_of_several_names_and_two_files_prevent_the_start() {
    let folder = tempfile::tempdir().unwrap();
    write_secret(folder.path(), "api_keys.txt", KEY);
    write_secret(folder.path(), "polygon_api_key", "");
    let server = with_files(folder.path()).start();
    assert_eq!(server.get("/api/symbols", &[]).status, 401);
    assert_eq!(server.get("/api/symbols", &[("x-api-key", KEY)]).status, 200);
    let empty = "polygon_api_key is empty and was treated as unset";
    assert_eq!(server.log().matches(empty).count(), 1, "{}", server.log());
    let (status, log) = with_files(folder.path()).set("INVESTIQ_PROFILE", "staging").start_failure();
    assert!(!status.success() && log.contains("/polygon_api_key is empty"), "{log}");
    write_secret(folder.path(), "api_keys", KEY);
    let (status, log) = with_files(folder.path()).start_failure();
    assert!(!status.success() && log.contains("secret api_keys is set twice"), "{log}");
    for path in ["api_keys", "api_keys.txt"].map(|name| folder.path().join(name)) {
        assert!(log.contains(&format!("file {}", path.display())), "{log}");
    }
}

/// Only root can give a file away.
#[test]
fn a_file_of_another_user_prevents_the_start_and_is_named_with_the_user() {
    let folder = tempfile::tempdir().unwrap();
    write_secret(folder.path(), "api_keys", KEY);
    let path = folder.path().join("api_keys");
    if std::os::unix::fs::chown(&path, Some(65_001), None).is_err() {
        return;
    }
    let (status, log) = with_files(folder.path()).start_failure();
    assert!(!status.success(), "{log}");
    for part in [path.to_string_lossy().as_ref(), "uid 65001"] {
        assert!(log.contains(part), "{part}: {log}");
    }
}

#[test]
fn keys_change_without_a_restart_and_an_invalid_set_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    write_secret(folder.path(), "api_keys", KEY);
    let mut server = with_files(folder.path()).start();
    let status = |server: &Server, key: &str| server.get("/api/symbols", &[("x-api-key", key)]).status;
    let put = |server: &Server, keys: &str| {
        write_secret(folder.path(), "api_keys", keys);
        server.signal("HUP");
    };
    assert_eq!((status(&server, KEY), status(&server, NEW_KEY)), (200, 401));
    put(&server, &format!("{KEY},{NEW_KEY}"));
    server.wait_until("the new key is accepted", |server| status(server, NEW_KEY) == 200);
    assert_eq!(status(&server, KEY), 200, "both are valid while clients switch");
    put(&server, "weak:owner");
    server.wait_until("the invalid set is rejected", |server| server.log().contains("new API keys rejected"));
    assert_eq!((status(&server, KEY), status(&server, NEW_KEY)), (200, 200), "the last valid set stays");
    put(&server, NEW_KEY);
    server.wait_until("the old key is rejected", |server| status(server, KEY) == 401);
    assert_eq!(status(&server, NEW_KEY), 200);
    let log = server.stop_and_read_log();
    assert!(!log.contains(KEY) && !log.contains(NEW_KEY));
}

#[test]
fn a_canary_key_appears_in_no_response_log_or_metric() {
    // Port 9 (discard) on loopback refuses connections: the vendor is down.
    let mut server = ServerOptions::new()
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
        let response = server.get(path, &key);
        assert!(!response.body.contains(secret), "{path}");
        assert!(!format!("{:?}", response.headers).contains(secret), "{path}");
    }
    let wrong = server.get("/api/symbols", &[("authorization", &format!("Basic {CANARY}"))]);
    assert_eq!(wrong.status, 401);
    assert!(!wrong.body.contains(secret));
    let log = server.stop_and_read_log();
    assert!(log.contains("/nowhere") && !log.contains(secret), "{log}");
}
