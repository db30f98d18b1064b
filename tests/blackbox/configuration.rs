//! Invalid configuration prevents the start; every error is named and no secret shown.

use tests::ServerOptions;

#[test]
fn all_errors_are_reported_at_once_with_their_variable() {
    let (status, log) = ServerOptions::new()
        .set("REQUEST_TIMEOUT_SECS", "soon")
        .set("RATE_LIMIT_PER_MINUTE", "-5")
        .set("TRUSTED_PROXIES", "10.0.0.0/33")
        .set("ENABLE_HSTS", "perhaps")
        .start_failure();
    assert!(!status.success());
    for name in ["REQUEST_TIMEOUT_SECS", "RATE_LIMIT_PER_MINUTE", "TRUSTED_PROXIES", "ENABLE_HSTS"] {
        assert!(log.contains(name), "{name} is named: {log}");
    }
}

#[test]
fn everything_that_is_wrong_with_a_start_is_reported_before_anything_is_created() {
    let folder = tempfile::tempdir().unwrap();
    let options = || ServerOptions::new().database_file(&folder.path().join("data/investiq.db"));
    let (status, log) = options()
        .set("INVESTIQ_PROFILE", "production")
        .set("REQUEST_TIMEOUT_SECS", "soon")
        .set("AUDIT_KEY", "not a key")
        .set("POLYGON_API_KEY", "changeme")
        .set("ALPACA_WEBHOOK_SECRET", "short")
        .start_failure();
    assert!(!status.success());
    for part in [
        "REQUEST_TIMEOUT_SECS",
        "AUDIT_KEY is not padded standard Base64",
        "POLYGON_API_KEY is a placeholder",
        "alpaca_webhook_secret",
        "api_keys: is not set",
    ] {
        assert!(log.contains(part), "{part} is not in {log}");
    }
    let busy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = busy.local_addr().unwrap().to_string();
    let (status, log) = options().set("BIND_ADDRESS", &address).start_failure();
    assert!(!status.success() && log.contains(&format!("cannot listen on BIND_ADDRESS {address}")), "{log}");
    let (status, log) =
        ServerOptions::new().database_file(std::path::Path::new("/dev/null/x/a.db")).start_failure();
    assert!(!status.success() && log.contains("/dev/null is not a directory"), "{log}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was created");
}

#[test]
fn a_first_start_logs_no_warning() {
    let secrets = tempfile::tempdir().unwrap();
    let directory = secrets.path().to_str().unwrap();
    let mut server = ServerOptions::new().unset("AUDIT_KEY").set("SECRETS_DIR", directory).start();
    assert_eq!(server.get("/api/analyze/AAPL", &[]).status, 200);
    server.signal("TERM");
    assert!(server.wait().is_some_and(|status| status.success()), "{}", server.log());
    let alarms: Vec<_> = server.events().into_iter().filter(|event| event["level"] != "INFO").collect();
    assert!(alarms.is_empty(), "{alarms:?}");
}

#[test]
fn each_invalid_value_is_rejected_by_name() {
    for (name, value) in [
        ("BIND_ADDRESS", "localhost"),
        ("BIND_ADDRESS", "127.0.0.1:99999"),
        ("REQUEST_TIMEOUT_SECS", "0"),
        ("SHUTDOWN_TIMEOUT_SECS", "-1"),
        ("TRUSTED_PROXIES", "0.0.0.0/0"),
        ("TRUSTED_PROXIES", "::/0"),
        ("REQUIRE_AUTH", "maybe"),
        ("RUST_LOG_FORMAT", "xml"),
        ("MARKET_DATA_DIR", "/does/not/exist"),
        ("POLYGON_BASE_URL", "http://vendor.example"),
        ("POLYGON_RATE_LIMIT", "0"),
    ] {
        let (status, log) = ServerOptions::new().set(name, value).start_failure();
        assert!(!status.success() && log.contains(name), "{name}={value}: {log}");
    }
}

#[test]
fn an_unknown_profile_is_production() {
    for profile in ["prod", "Development", "test"] {
        let (status, log) = ServerOptions::new().set("INVESTIQ_PROFILE", profile).start_failure();
        assert!(!status.success(), "{profile}: {log}");
    }
}

#[test]
fn files_are_merged_below_the_environment_and_unknown_keys_are_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let with = || {
        ServerOptions::new()
            .set("INVESTIQ_CONFIG_DIR", folder.path().to_string_lossy())
            .set("INVESTIQ_PROFILE", "development")
    };
    write("config.yaml", "rate_limit:\n  per_minute: 77\n");
    assert_eq!(with().start().get("/api/symbols", &[]).header("x-ratelimit-limit"), Some("77"));
    write("development.yaml", "rate_limit:\n  per_minute: ${LIMIT_FROM_ENVIRONMENT:-88}\n");
    assert_eq!(with().start().get("/api/symbols", &[]).header("x-ratelimit-limit"), Some("88"));
    let expanded = with().set("LIMIT_FROM_ENVIRONMENT", "91").start();
    assert_eq!(expanded.get("/api/symbols", &[]).header("x-ratelimit-limit"), Some("91"));
    let overridden = with().set("RATE_LIMIT_PER_MINUTE", "99").start();
    assert_eq!(overridden.get("/api/symbols", &[]).header("x-ratelimit-limit"), Some("99"));
    write(
        "development.yaml",
        "rate_limit:\n  per_minute: ${NOT_SET_ANYWHERE}\n  per_minit: 3\nserver:\n  colour: red\n",
    );
    let (status, log) = with().start_failure();
    assert!(!status.success());
    for name in ["NOT_SET_ANYWHERE", "per_minit", "colour", "development.yaml"] {
        assert!(log.contains(name), "{name} is named: {log}");
    }
}

#[test]
fn a_variable_without_effect_is_warned_about() {
    let server = ServerOptions::new().set("RETENTION_DAYS", "30").start();
    let warned = server
        .events()
        .iter()
        .any(|event| event["level"] == "WARN" && event.to_string().contains("RETENTION_DAYS"));
    assert!(warned, "{}", server.log());
}

#[test]
fn a_directory_that_a_vendors_key_overrides_is_warned_about() {
    let folder = tempfile::tempdir().unwrap();
    let server = ServerOptions::new()
        .set("MARKET_DATA_DIR", folder.path().to_string_lossy())
        .set("POLYGON_API_KEY", "Qf8sJx2LwZ7mVt4RbKc9YpNd")
        .set("POLYGON_BASE_URL", "http://127.0.0.1:9")
        .start();
    let warned = |event: &serde_json::Value| {
        event["level"] == "WARN" && event.to_string().contains("MARKET_DATA_DIR is set and has no effect")
    };
    assert!(server.events().iter().any(warned), "{}", server.log());
}

#[test]
fn every_address_is_served_without_keys_only_when_the_port_is_published_on_loopback() {
    let with = || ServerOptions::new().set("BIND_ADDRESS", "0.0.0.0:0").set("METRICS_ACCESS", "open");
    let published = || with().set("PUBLISHED_ON_LOOPBACK", "true");
    let server = published().set("INVESTIQ_PROFILE", "development").start();
    assert_eq!(server.get("/api/symbols", &[]).status, 200);
    assert_eq!(server.get("/metrics", &[]).status, 200);
    for (options, named) in [
        (with().set("INVESTIQ_PROFILE", "development"), "server.bind_address"),
        (published().set("INVESTIQ_PROFILE", "production"), "server.published_on_loopback"),
        (published(), "server.published_on_loopback"),
    ] {
        let (status, log) = options.start_failure();
        assert!(!status.success() && log.contains(named), "{named}: {log}");
    }
}

#[test]
fn variables_of_the_working_directory_are_read_in_development_alone() {
    let with = |text: &str| ServerOptions::new().file(".env", text);
    let limit = |server: &tests::Server| server.get("/", &[]).header("x-ratelimit-limit").unwrap().to_owned();
    let server = with("RATE_LIMIT_PER_MINUTE=\"91\" # quoted\nRATE_LIMIT_BURST=7\n").start();
    assert_eq!(limit(&server), "91");
    assert!(server.log().contains(".env is read: 2 variables"), "{}", server.log());
    let server = with("RATE_LIMIT_PER_MINUTE=91").set("RATE_LIMIT_PER_MINUTE", "92").start();
    assert_eq!(limit(&server), "92", "a variable that is set wins");
    let server = with("RATE_LIMIT_PER_MINUTE=91\nINVESTIQ_PROFILE=staging").start();
    assert_eq!(limit(&server), "120");
    assert_eq!(server.log().matches(".env is not read").count(), 1, "{}", server.log());
    let staging = with("RATE_LIMIT_PER_MINUTE=91").set("INVESTIQ_PROFILE", "staging");
    let server = staging.set("API_KEYS", "staging-test-Jp4wRk7nXt9vMq1zGc6yLs8bHd").start();
    assert_eq!(limit(&server), "30");
    assert!(server.log().contains(".env is not read in the profile staging"), "{}", server.log());
    let (status, log) = with("A=b\nAPI_KEYS=s3cret words\n").start_failure();
    assert!(!status.success() && log.contains(".env, line 2") && !log.contains("s3cret"), "{log}");
}
