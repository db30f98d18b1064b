//! The whole configuration: layers, errors, profiles, and the files compared with the settings.

mod env_example;

use tempfile::TempDir;
use webhooks::SettingKind;

use super::*;

fn environment(pairs: &[(&str, &str)]) -> Environment {
    pairs.iter().copied().collect()
}

fn errors(pairs: &[(&str, &str)]) -> Vec<String> {
    let errors = load_from(&environment(pairs), None).expect_err("errors");
    errors.iter().map(ToString::to_string).collect()
}

/// The files of the repository.
fn repository_configs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs")
}

/// A directory with these files.
fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (file, text) in files {
        std::fs::write(directory.path().join(file), text).unwrap();
    }
    directory
}

#[test]
fn the_default_is_a_loopback_address_without_keys() {
    let config = load_from(&Environment::default(), None).unwrap();
    assert_eq!(config.profile, Profile::Development);
    assert_eq!(config.bind_address.to_string(), "127.0.0.1:3000");
    assert!(!config.keys_required);
    assert_eq!(config.http.rate_limit.per_minute.get(), 120);
    assert_eq!(config.http.rate_limit.burst.get(), 20);
    assert_eq!(config.market_data.directory, None);
}

#[test]
fn the_hash_is_that_of_the_settings_without_passwords() {
    let hash = |pairs: &[(&str, &str)]| load_from(&environment(pairs), None).unwrap().hash();
    let default = hash(&[]);
    assert_eq!(default.len(), 8);
    assert_eq!(default, hash(&[("REQUEST_TIMEOUT_SECS", &default_text("server.request_timeout_s"))]));
    assert_eq!(default, hash(&[("INVESTIQ_UNKNOWN", "1")]), "a variable without effect");
    assert_ne!(default, hash(&[("REQUEST_TIMEOUT_SECS", "7")]));
    let proxy = |password: &str| hash(&[("HTTPS_PROXY", &format!("http://me:{password}@proxy:3128"))]);
    assert_eq!(proxy("one"), proxy("another"));
    assert_ne!(default, proxy("one"));
}

#[test]
fn a_public_address_is_production_unless_a_profile_is_named() {
    for pairs in [
        &[("BIND_ADDRESS", "0.0.0.0:3000")][..],
        &[("BIND_ADDRESS", "0.0.0.0:3000"), ("INVESTIQ_PROFILE", "prod")],
        &[("INVESTIQ_PROFILE", "Development")],
    ] {
        let config = load_from(&environment(pairs), None).unwrap();
        assert_eq!(config.profile, Profile::Production, "{pairs:?}");
        assert!(config.keys_required, "{pairs:?}");
    }
}

#[test]
fn a_port_that_a_container_publishes_on_loopback_is_local_in_development_alone() {
    let pairs = [("BIND_ADDRESS", "0.0.0.0:3000"), ("PUBLISHED_ON_LOOPBACK", "true")];
    let development = environment(&pairs).with("INVESTIQ_PROFILE", "development");
    let config = load_from(&development.with("METRICS_ACCESS", "open"), None).unwrap();
    assert_eq!((config.profile, config.keys_required), (Profile::Development, false));
    // Without a profile the setting alone opens nothing.
    for profile in ["", "staging", "production", "prod"] {
        let environment = environment(&pairs).with("INVESTIQ_PROFILE", profile).with("REQUIRE_AUTH", "true");
        let errors = load_from(&environment, None).expect_err(profile).to_string();
        assert!(errors.contains("server.published_on_loopback") && errors.contains("1 error"), "{errors}");
    }
}

#[test]
fn each_profile_loads_from_the_repository_and_from_the_built_in_files() {
    for profile in Profile::ALL {
        let environment = environment(&[("INVESTIQ_PROFILE", profile.as_str())]);
        for directory in [None, Some(repository_configs())] {
            let config = load_from(&environment, directory.as_deref()).unwrap();
            assert_eq!(config.profile, profile);
            assert_eq!(config.keys_required, profile != Profile::Development);
            assert_eq!(config.docs_enabled, profile != Profile::Production, "{profile:?}");
            assert_eq!(config.warnings, []);
        }
    }
}

#[test]
fn no_typing_mistake_opens_the_service_to_a_network() {
    for (pairs, path) in [
        (&[("INVESTIQ_PROFILE", "development"), ("BIND_ADDRESS", "0.0.0.0:1")][..], "server.bind_address"),
        (
            &[("INVESTIQ_PROFILE", "production"), ("PUBLISHED_ON_LOOPBACK", "true")],
            "server.published_on_loopback",
        ),
        (&[("BIND_ADDRESS", "0.0.0.0:1"), ("PUBLISHED_ON_LOOPBACK", "yes")], "server.published_on_loopback"),
        (&[("INVESTIQ_PROFILE", "production"), ("REQUIRE_AUTH", "false")], "auth.required"),
        (&[("INVESTIQ_PROFILE", "staging"), ("METRICS_ACCESS", "open")], "metrics.access"),
        (&[("INVESTIQ_PROFILE", "staging"), ("METRICS_ACCESS", "loopback")], "metrics.access"),
        (&[("INVESTIQ_PROFILE", "production"), ("METRICS_ACCESS", "loopback")], "metrics.access"),
        (&[("METRICS_BIND_ADDRESS", "0.0.0.0:9464")], "metrics.bind_address"),
        (&[("ALLOWED_HOSTS", "*.example.com")], "server.allowed_hosts"),
        (&[("ALLOWED_ORIGINS", "https://*.example.com")], "server.allowed_origins"),
        (&[("BIND_ADDRESS", "[::]:1"), ("REQUIRE_AUTH", "0")], "auth.required"),
        (&[("TRUSTED_PROXIES", "10.0.0.0/8,0.0.0.0/0")], "server.trusted_proxies"),
        (&[("MARKET_DATA_DIR", "/nonexistent")], "market_data.directory"),
        (&[("ALLOWED_ORIGINS", "*")], "server.allowed_origins"),
        (&[("POLYGON_BASE_URL", "http://example.com")], "market_data.polygon.base_url"),
        (&[("INVESTIQ_PROFILE", "production"), ("WEBHOOK_ALPACA_SCHEME", "any")], "webhooks.alpaca.scheme"),
        (
            &[("INVESTIQ_PROFILE", "production"), ("SNS_BASE_URL", "http://127.0.0.1:9")],
            "webhooks.circle.sns_base_url",
        ),
        (
            &[("INVESTIQ_PROFILE", "staging"), ("CIRCLE_BASE_URL", "http://127.0.0.1:9")],
            "webhooks.circle.base_url",
        ),
        (
            &[
                ("INVESTIQ_PROFILE", "production"),
                ("ALPACA_EVENTS_ENABLED", "true"),
                ("ALPACA_EVENTS_BASE_URL", "http://127.0.0.1:9"),
            ],
            "alpaca.events.base_url",
        ),
        (&[("CIRCLE_SNS_TOPICS", "*")], "webhooks.circle.topics"),
        (&[("INVESTIQ_PROFILE", "production"), ("LEDGER_ALPACA_ENTRIES", "either")], "ledger.alpaca_entries"),
        (&[("ALPACA_EVENTS_ENABLED", "true"), ("LEDGER_ALPACA_ENTRIES", "nta")], "ledger.alpaca_entries"),
        (&[("INVESTIQ_PROFILE", "production"), ("ALPACA_EVENTS_ENABLED", "true")], "ledger.alpaca_entries"),
    ] {
        assert!(errors(pairs).iter().any(|error| error.starts_with(path)), "{pairs:?}: {:?}", errors(pairs));
    }
}

#[test]
fn all_errors_are_reported_at_once_with_their_sources_and_without_their_values() {
    let errors = errors(&[
        ("BIND_ADDRESS", "s3cret"),
        ("REQUEST_TIMEOUT_SECS", "0"),
        ("RATE_LIMIT_PER_MINUTE", "-1"),
        ("ENABLE_HSTS", "yes"),
        ("RUST_LOG_FORMAT", "xml"),
    ]);
    assert_eq!(
        errors,
        [
            "logs.format (RUST_LOG_FORMAT): must be one of text, json",
            "rate_limit.per_minute (RATE_LIMIT_PER_MINUTE): must be a whole number from 1 to 1000000000",
            "server.bind_address (BIND_ADDRESS): must be an IP address and a port, such as 127.0.0.1:3000",
            "server.hsts (ENABLE_HSTS): must be true or false",
            "server.request_timeout_s (REQUEST_TIMEOUT_SECS): must be a whole number from 1 to 600",
        ]
    );
}

#[test]
fn files_are_layered_and_the_environment_comes_last() {
    let directory = directory(&[
        ("config.yaml", "server: { request_timeout_s: 5, shutdown_timeout_s: 6, body_bytes_max: 2048 }"),
        ("development.yaml", "server:\n  shutdown_timeout_s: 7\n  body_bytes_max: \"${BYTES:-4096}\""),
    ]);
    let environment = environment(&[("REQUEST_TIMEOUT_SECS", "8"), ("BYTES", "8192")]);
    let config = load_from(&environment, Some(directory.path())).unwrap();
    assert_eq!(
        (
            config.http.request_timeout.as_secs(),
            config.connections.drain_timeout.as_secs(),
            config.http.body_bytes_max,
        ),
        (8, 7, 8192)
    );
}

#[test]
fn errors_of_a_file_name_the_file() {
    for (name, text, expected) in [
        ("unknown", "server: { port: 1 }", "server.port (FILE): is not a setting"),
        ("section", "server: 1", "server (FILE): is not a setting"),
        (
            "twice",
            "docs: { enabled: true, enabled: false }",
            "FILE: is not YAML with distinct keys, at line 1",
        ),
        (
            "open",
            "server: { bind_address: \"${NOWHERE}\" }",
            "server.bind_address (FILE): needs the variable NOWHERE",
        ),
        (
            "list",
            "server: { bind_address: [a, b] }",
            "server.bind_address (FILE): must be one value, not a list",
        ),
        ("empty", "server: { bind_address: }", "server.bind_address"),
    ] {
        let directory = directory(&[("config.yaml", text)]);
        let file = directory.path().join("config.yaml").display().to_string();
        let errors = load_from(&Environment::default(), Some(directory.path())).expect_err(name).to_string();
        assert!(errors.contains(&expected.replace("FILE", &file)), "{name}: {errors}");
    }
}

#[test]
fn a_directory_that_does_not_exist_is_an_error() {
    let errors = load_from(&Environment::default(), Some(Path::new("/nonexistent"))).expect_err("error");
    assert!(errors.to_string().contains("/nonexistent: is not a directory"), "{errors}");
}

#[test]
fn the_base_file_has_every_setting() {
    let files = Files::open(None, &Environment::default());
    let is_declared = |path| provider_settings().any(|setting| setting.path == path);
    for Setting { path, .. } in settings() {
        assert!(is_declared(path) || files.get(path).is_some(), "{path} is not in configs/config.yaml");
    }
}

#[test]
fn every_variable_changes_the_configuration() {
    let base = format!("{:?}", load_from(&Environment::default(), None).unwrap());
    let ca = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/authority.crt");
    let values = [
        ("BIND_ADDRESS", "127.0.0.1:1"),
        ("PUBLISHED_ON_LOOPBACK", "true"),
        ("CONNECTIONS_MAX", "9"),
        ("CONNECTIONS_PER_ADDRESS_MAX", "9"),
        ("REQUESTS_IN_FLIGHT_MAX", "9"),
        ("KEEP_ALIVE_TIMEOUT_SECS", "9"),
        ("SEND_TIMEOUT_SECS", "9"),
        ("REQUEST_TIMEOUT_SECS", "9"),
        ("UNREADY_SECS", "9"),
        ("SHUTDOWN_TIMEOUT_SECS", "9"),
        ("REQUEST_BODY_BYTES_MAX", "9999"),
        ("TRUSTED_PROXIES", "10.0.0.0/8"),
        ("CLIENT_ADDRESS_HEADER", "forwarded"),
        ("ALLOWED_HOSTS", "api-server"),
        ("ALLOWED_ORIGINS", "https://example.com"),
        ("ENABLE_HSTS", "true"),
        ("REQUIRE_AUTH", "true"),
        ("AUTH_FAILURES_PER_MINUTE", "9"),
        ("RATE_LIMIT_PER_MINUTE", "9"),
        ("RATE_LIMIT_BURST", "9"),
        ("EXPECTED_NODES", "9"),
        ("REDIS_URL", "rediss://redis"),
        ("REDIS_HOST", "redis"),
        ("REDIS_PORT", "9"),
        ("REDIS_USER", "investiq"),
        ("REDIS_DB", "9"),
        ("REDIS_TLS", "true"),
        ("REDIS_TLS_CA_FILE", ca),
        ("REDIS_CLUSTER_MODE", "true"),
        ("REDIS_CLUSTER_ADDRS", "redis-1:9"),
        ("REDIS_MAX_RETRIES", "9"),
        ("REDIS_POOL_SIZE", "4"),
        ("REDIS_MAX_IDLE_CONNS", "9"),
        ("REDIS_MAX_ACTIVE_CONNS", "9"),
        ("REDIS_IDLE_TIMEOUT_SECS", "9"),
        ("REDIS_ROUTE_RANDOMLY", "true"),
        ("REDIS_ROUTE_BY_LATENCY", "true"),
        ("MARKET_DATA_DIR", "/"),
        ("POLYGON_BASE_URL", "https://example.com"),
        ("POLYGON_RATE_LIMIT", "9"),
        ("POLYGON_MAX_CONCURRENT", "9"),
        ("POLYGON_TIMEOUT_SECS", "9"),
        ("POLYGON_HISTORY_DAYS", "99"),
        ("POLYGON_FRESH_SECS", "9"),
        ("POLYGON_STALE_SECS", "9"),
        ("POLYGON_SYMBOLS_MAX", "9"),
        ("RESPONSE_CACHE_ENTRIES", "9"),
        ("RESPONSE_CACHE_BYTES", "9999999"),
        ("WEBHOOK_BODY_BYTES_MAX", "9999"),
        ("WEBHOOK_RATE_LIMIT_PER_MINUTE", "9"),
        ("WEBHOOK_QUEUE_MAX", "9"),
        ("WEBHOOK_WORKERS", "9"),
        ("OUTBOUND_PROXY", "none"),
        ("DATABASE_CHECKPOINT", "/checkpoint"),
        ("DATABASE_STANDBY_HOST", "db-standby:5433"),
        ("BANS", "enforce"),
        ("BAN_NEVER", "192.0.2.0/24"),
        ("LEDGER_STASH_RATIO", "0.5"),
        ("JOURNAL_APPROVAL_ABOVE", "100"),
        ("ALPACA_EVENTS_ENABLED", "true"),
        ("ALPACA_EVENTS_BASE_URL", "https://example.com"),
        ("ALPACA_EVENTS_STREAMS", "trades"),
        ("HEALTH_CHECK_INTERVAL_SECS", "9"),
        ("METRICS_ACCESS", "key"),
        ("METRICS_BIND_ADDRESS", "127.0.0.1:9464"),
        ("ENABLE_SWAGGER", "false"),
        ("RUST_LOG", "warn"),
        ("RUST_LOG_FORMAT", "json"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://jaeger:4318"),
        ("OTEL_SERVICE_NAME", "api"),
        ("OTEL_TRACES_SAMPLER", "always_on"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.5"),
        ("SECRETS_DIR", "/secrets"),
        ("SECRET_TTL_SECS", "9"),
        ("SECRET_GRACE_SECS", "10"),
    ];
    let values: Vec<_> = values.map(|(variable, value)| (variable, value.to_owned())).into();
    let values = [values, provider_settings().map(another_value).collect()].concat();
    for setting in settings() {
        let value = values.iter().find(|(variable, _)| *variable == setting.variable);
        let (variable, value) = value.unwrap_or_else(|| panic!("no value to try for {}", setting.variable));
        let (changed, errors) = load_all_from(&environment(&[(variable, value)]), None);
        assert_ne!(format!("{changed:?}"), base, "{variable}");
        let is_refused =
            // None has an effect without an address.
            variable.starts_with("REDIS_") && !["REDIS_URL", "REDIS_HOST"].contains(variable);
        assert_eq!(!errors.is_empty(), is_refused, "{variable}: {errors:?}");
    }
    assert_eq!(values.len(), settings().len());
}

/// The variable of a provider's setting, and a value that is not the default.
fn another_value(setting: &webhooks::Setting) -> (&'static str, String) {
    let ids = ["36b6931a-873a-56a8-8a27-b706b17104ee", "arn:aws:sns:us-east-1:908968368384:topic"];
    let value = match &setting.kind {
        SettingKind::Number { range, default } if range.start() == default => range.end().to_string(),
        SettingKind::Number { range, .. } => range.start().to_string(),
        SettingKind::Choice(words) => words[1].to_owned(),
        SettingKind::BaseUrl { .. } => "https://example.com".to_owned(),
        SettingKind::List { is_item, .. } => ids.into_iter().find(|id| is_item(id)).unwrap().to_owned(),
    };
    (setting.variable, value)
}

#[test]
fn a_key_with_a_dot_is_not_a_path() {
    let files = [("config.yaml", "\"rate_limit.per_minute\": 5\nrate_limit:\n  per_minute: 6\n")];
    let directory = directory(&files);
    let errors = load_from(&Environment::default(), Some(directory.path())).expect_err("an error");
    let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert!(errors.len() == 1 && errors[0].contains("rate_limit.per_minute"), "{errors:?}");
}

#[test]
fn an_invalid_proxy_is_an_error_that_names_its_variable_and_no_value() {
    let invalid = ("https_proxy", "socks5://user:c4n4ry@proxy:1080");
    let found = errors(&[invalid]);
    assert!(matches!(&found[..], [only] if only.starts_with("outbound.proxy (https_proxy)")), "{found:?}");
    assert!(!found[0].contains("c4n4ry"));
    assert!(outbound_proxy(&environment(&[invalid, ("RATE_LIMIT_PER_MINUTE", "x")])).is_err());
    assert_eq!(outbound_proxy(&environment(&[("RATE_LIMIT_PER_MINUTE", "x")])).unwrap().to_string(), "none");
    load_from(&environment(&[invalid, ("OUTBOUND_PROXY", "none")]), None).unwrap();
}

#[test]
fn settings_of_redis_that_contradict_each_other_or_have_no_effect_are_refused() {
    let ca = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/authority.crt");
    for (pairs, expected) in [
        (&[("REDIS_URL", "redis://a"), ("REDIS_HOST", "b")][..], "set one of them"),
        (
            &[("REDIS_URL", "redis://a"), ("REDIS_CLUSTER_MODE", "true"), ("REDIS_CLUSTER_ADDRS", "b:1")],
            "set one of them",
        ),
        (&[("REDIS_URL", "redis://a"), ("REDIS_PORT", "7000")], "write the port into REDIS_URL"),
        (&[("REDIS_URL", "redis://u@a"), ("REDIS_USER", "v")], "is also in REDIS_URL"),
        (&[("REDIS_URL", "redis://a/1"), ("REDIS_DB", "2")], "is also in REDIS_URL"),
        (&[("REDIS_URL", "redis://a"), ("REDIS_TLS", "true")], "write rediss://"),
        (&[("REDIS_URL", "redis://:pa55word@a")], "must not have a password: put it into REDIS_PASSWORD"),
        (&[("REDIS_HOST", "a"), ("REDIS_TLS_CA_FILE", ca)], "set REDIS_TLS=true"),
        (
            &[("REDIS_HOST", "a"), ("REDIS_TLS", "true"), ("REDIS_TLS_CA_FILE", "/nx")],
            "must be a file that can be read",
        ),
        (
            &[("REDIS_HOST", "a"), ("REDIS_TLS", "true"), ("REDIS_TLS_CA_FILE", "/etc/hostname")],
            "it has none",
        ),
        (&[("REDIS_CLUSTER_ADDRS", "a:1")], "without REDIS_CLUSTER_MODE=true"),
        (&[("REDIS_CLUSTER_MODE", "true")], "needs REDIS_CLUSTER_ADDRS"),
        (
            &[("REDIS_HOST", "a"), ("REDIS_CLUSTER_MODE", "true"), ("REDIS_DB", "1")],
            "a cluster has one database",
        ),
        (&[("REDIS_URL", "redis://a/1"), ("REDIS_CLUSTER_MODE", "true")], "a cluster has one database"),
        (
            &[("REDIS_CLUSTER_MODE", "true"), ("REDIS_CLUSTER_ADDRS", "a:1"), ("REDIS_PORT", "2")],
            "write the ports",
        ),
        (&[("REDIS_PORT", "1")], "but REDIS_PORT is: set REDIS_URL"),
        (&[("REDIS_USER", "u")], "but REDIS_USER is: set REDIS_URL"),
        (&[("REDIS_DB", "1")], "but REDIS_DB is: set REDIS_URL"),
        (&[("REDIS_TLS", "true")], "but REDIS_TLS is: set REDIS_URL"),
        (&[("REDIS_TLS_CA_FILE", ca)], "but REDIS_TLS_CA_FILE is: set REDIS_URL"),
        (&[("REDIS_MAX_RETRIES", "4")], "but REDIS_MAX_RETRIES is: set REDIS_URL"),
        (&[("REDIS_ROUTE_RANDOMLY", "true"), ("REDIS_ROUTE_BY_LATENCY", "true")], "set both to false"),
        (&[("REDIS_ROUTE_RANDOMLY", "true")], "must be false"),
        (&[("REDIS_ROUTE_BY_LATENCY", "true")], "must be false"),
        (
            &[("REDIS_POOL_SIZE", "4"), ("REDIS_MAX_ACTIVE_CONNS", "5")],
            "must be at least REDIS_POOL_SIZE + 2",
        ),
        (&[("REDIS_POOL_SIZE", "5")], "must be at least REDIS_POOL_SIZE"),
        (&[("REDIS_MAX_IDLE_CONNS", "15")], "must be at most REDIS_MAX_ACTIVE_CONNS - 2"),
        (
            &[("REDIS_HOST", "a"), ("RATE_LIMIT_BURST", "2"), ("EXPECTED_NODES", "3")],
            "must be at least EXPECTED_NODES",
        ),
        (
            &[("REDIS_HOST", "a"), ("WEBHOOK_RATE_LIMIT_PER_MINUTE", "60"), ("EXPECTED_NODES", "11")],
            "must be at least six times EXPECTED_NODES",
        ),
    ] {
        let errors = errors(pairs);
        assert!(errors.iter().any(|error| error.contains(expected)), "{pairs:?}: {errors:?}");
        assert!(errors.iter().all(|error| !error.contains("pa55word")), "{errors:?}");
    }
    let endpoint = |pairs: &[(&str, &str)]| load_from(&environment(pairs), None).unwrap().redis.endpoint();
    assert_eq!(endpoint(&[]), None, "not used");
    let one = endpoint(&[("REDIS_URL", "rediss://u@a:7/2")]);
    let parts = [
        ("REDIS_HOST", "a"),
        ("REDIS_PORT", "7"),
        ("REDIS_USER", "u"),
        ("REDIS_DB", "2"),
        ("REDIS_TLS", "true"),
    ];
    assert!(one.is_some() && one == endpoint(&parts), "two ways to say the same: {one:?}");
}
