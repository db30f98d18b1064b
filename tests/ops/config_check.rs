//! `config check` checks settings as the server loads them, under the requested profile and no other.

use tests::connect_proxy::{ConnectProxy, PASSWORD};

use crate::command::{CANARY, Workspace};

/// Settings without findings in production.
fn valid() -> Workspace {
    Workspace::new()
        .set("BIND_ADDRESS", "0.0.0.0:3000")
        .set("TRUSTED_PROXIES", "10.0.0.0/8")
        .set("ENABLE_SWAGGER", "false")
}

fn errors(workspace: &Workspace, arguments: &str) -> Vec<String> {
    workspace.run(&format!("config check {arguments} --json")).errors()
}

#[test]
fn valid_settings_pass() {
    let result = valid().run("config check production --json");
    assert_eq!((result.exit_code, result.errors()), (0, Vec::new()), "{result:?}");
    assert_eq!(result.json()["profile"], "production");
}

#[test]
fn all_errors_are_reported_at_once_with_their_source() {
    let workspace = valid().set("BIND_ADDRESS", "nowhere").set("RATE_LIMIT_PER_MINUTE", "-1");
    let result = workspace.run("config check production --json");
    assert_eq!(result.exit_code, 3, "{result:?}");
    assert_eq!(result.errors(), ["setting rate_limit.per_minute", "setting server.bind_address"]);
    assert!(result.stdout.contains("RATE_LIMIT_PER_MINUTE"), "{result:?}");
}

#[test]
fn settings_that_are_valid_but_unfit_for_production_are_found() {
    for (variable, value, expected) in [
        ("TRUSTED_PROXIES", "", "trusted_proxies server.trusted_proxies"),
        ("RATE_LIMIT_PER_MINUTE", "1000000", "rate_limit rate_limit.per_minute"),
        ("RUST_LOG", "info,aws_smithy_runtime=trace", "trace logs.filter"),
        ("POLYGON_BASE_URL", "http://127.0.0.1:9", "plain_http market_data.polygon.base_url"),
    ] {
        let workspace = valid().set(variable, value);
        let result = workspace.run("config check production --json");
        assert_eq!((result.exit_code, result.errors()), (0, Vec::new()), "the server starts with {variable}");
        assert!(result.warnings().contains(&expected.to_owned()), "{variable}: {result:?}");
        assert_eq!(workspace.run("config check production --strict").exit_code, 3, "{variable}");
    }
    for (variable, value, expected) in [
        ("REQUIRE_AUTH", "false", "setting auth.required"),
        ("METRICS_ACCESS", "open", "setting metrics.access"),
    ] {
        let workspace = valid().set(variable, value);
        assert_eq!(errors(&workspace, "production"), [expected], "{variable}");
    }
}

#[test]
fn no_variable_changes_the_checked_profile() {
    let workspace = Workspace::new()
        .set("INVESTIQ_PROFILE", "development")
        .set("BIND_ADDRESS", "127.0.0.1:3000")
        .set("REQUIRE_AUTH", "false");
    assert_eq!(workspace.run("config check development").exit_code, 0);
    let result = workspace.run("config check production --json");
    assert_eq!(result.json()["profile"], "production");
    assert_eq!(result.exit_code, 3, "{result:?}");
    assert_eq!(workspace.run("config check prod").exit_code, 1);
}

#[test]
fn warnings_fail_only_a_strict_check() {
    let workspace = valid().set("ENABLE_SWAGGER", "true");
    assert_eq!(workspace.run("config check production").exit_code, 0);
    assert_eq!(workspace.run("config check production --strict").exit_code, 3);
}

#[test]
fn certificate_authorities_that_cannot_be_loaded_prevent_a_start() {
    let is_reported = |workspace: &Workspace| {
        errors(workspace, "production --resolve").contains(&"certificates outbound".to_owned())
    };
    assert!(!is_reported(&valid()));
    assert!(is_reported(&valid().set("SSL_CERT_FILE", "/nowhere").set("SSL_CERT_DIR", "/nowhere")));
}

#[test]
fn secrets_are_resolved_with_their_source() {
    let workspace = valid();
    assert_eq!(errors(&workspace, "production"), Vec::<String>::new(), "secrets are not resolved by default");
    assert_eq!(
        errors(&workspace, "production --resolve"),
        ["missing api_keys", "missing database_url"],
        "all at once"
    );
    let workspace = workspace.set("DATABASE_URL", "sqlite:investiq.db");
    workspace.run("secrets init");
    workspace.write_secret("polygon_api_key", CANARY, 0o444);
    let directory = workspace.path("secrets").to_string_lossy().into_owned();
    let workspace = workspace.set("SECRETS_DIR", &directory);
    let result = workspace.run("config check production --resolve --json");
    assert_eq!((result.exit_code, result.errors()), (0, Vec::new()), "{result:?}");
    assert!(result.stderr.contains("secrets/polygon_api_key (secure)"), "{result:?}");
}

#[test]
fn an_unreachable_vendor_is_found() {
    let vendor = tests::polygon::FakePolygon::start();
    let proxy = ConnectProxy::start(&[("api.vendor.test", vendor.base_url())]);
    let workspace = valid()
        .set("DATABASE_URL", "sqlite:investiq.db")
        .set("SSL_CERT_FILE", &proxy.authority().to_string_lossy());
    workspace.run("secrets init");
    workspace.write_secret("polygon_api_key", CANARY, 0o444);
    let directory = workspace.path("secrets").to_string_lossy().into_owned();
    let workspace =
        workspace.set("SECRETS_DIR", &directory).set("POLYGON_BASE_URL", "https://api.vendor.test");
    assert_eq!(errors(&workspace, "production --connect"), ["connect market_data.polygon.base_url"]);
    let workspace = workspace.set("HTTPS_PROXY", &proxy.url());
    let result = workspace.run("config check production --connect --json");
    assert_eq!(result.errors(), Vec::<String>::new());
    assert_eq!(proxy.targets(), ["api.vendor.test:443"]);
    let shown = format!("proxy of requests to other hosts: {} (HTTPS_PROXY)", proxy.bare_url());
    assert!(result.stderr.contains(&shown), "{result:?}");
    let workspace = workspace.set("HTTPS_PROXY", &proxy.bare_url());
    let refused = workspace.run("config check production --connect --json");
    assert_eq!(refused.errors(), ["connect market_data.polygon.base_url"]);
    assert!(proxy.rejected() > 0 && refused.stdout.contains(&proxy.bare_url()), "{refused:?}");
    for result in [result, refused] {
        assert!(!format!("{result:?}").contains(PASSWORD), "{result:?}");
    }
    // Port 9 (discard) on loopback refuses connections; another process could take the listener's port.
    let workspace = workspace.set("POLYGON_BASE_URL", "https://127.0.0.1:9");
    assert_eq!(errors(&workspace, "production --connect"), ["connect market_data.polygon.base_url"]);
}

#[test]
fn variables_of_the_directory_count_in_development_alone() {
    let (workspace, on_server) = (Workspace::new(), valid());
    for workspace in [&workspace, &on_server] {
        std::fs::write(workspace.path(".env"), "RATE_LIMIT_PER_MINUTE=-1\n").unwrap();
    }
    assert_eq!(errors(&workspace, "development"), ["setting rate_limit.per_minute"]);
    let production = on_server.run("config check production --json");
    assert_eq!(production.errors(), Vec::<String>::new(), "{production:?}");
    assert!(production.stderr.contains(".env is not read in the profile production"), "{production:?}");
    std::fs::write(workspace.path(".env"), format!("A=b\nPOLYGON_API_KEY={CANARY} x\n")).unwrap();
    let broken = workspace.run("config check development");
    assert!(broken.exit_code == 2 && broken.stderr.contains(".env, line 2"), "{broken:?}");
}
