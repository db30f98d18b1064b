//! Where a server finds its secrets, and where it refuses to start.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tests::{Server, ServerOptions};

use crate::stage::{NEW_KEY, OLD_KEY, fake, id, metric, metrics, options, plain, status, until};

const VENDOR_KEY: &str = "vendor-Hn8vTx3qWm6zLr2pKc9yBs5dJg";
/// Port 9 (discard) of loopback refuses connections: nobody is asked by accident.
const NOBODY: &str = "http://127.0.0.1:9";

fn write_secret(folder: &Path, name: &str, value: &str) {
    let path = folder.join(name);
    std::fs::write(&path, value).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o400)).unwrap();
}

/// Where the value in use of a secret was found, in the metrics' word.
fn source(server: &Server, name: &str) -> Option<String> {
    let text = metrics(server);
    let secret = format!("secret=\"{name}\"");
    let mut infos = text.lines().filter(|line| line.starts_with("investiq_secret_version_info{"));
    let info = infos.find(|line| line.contains(&secret))?;
    Some(info.split_once("source=\"")?.1.split('"').next()?.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn files_alone_the_environment_alone_aws_alone_and_all_of_them_are_enough() {
    let (fake, folder) = (fake(), tempfile::tempdir().unwrap());
    write_secret(folder.path(), "api_keys", OLD_KEY);
    let directory = folder.path().to_string_lossy().into_owned();
    let files = plain().set("SECRETS_DIR", directory.clone());
    let environment = plain().set("API_KEYS", OLD_KEY);
    fake.seed(&id("api_keys"), OLD_KEY);
    for (options, expected) in [(files, "file"), (environment, "env"), (options(&fake), "aws")] {
        let server = options.set("REQUIRE_AUTH", "true").start();
        assert_eq!(source(&server, "api_keys").as_deref(), Some(expected));
        assert_eq!((status(&server, OLD_KEY), status(&server, NEW_KEY)), (200, 401), "{expected}");
    }
    // Each secret in another place, and two in two.
    write_secret(folder.path(), "finnhub_api_key", "finnhub-Zq8Wm3Xc6Vb9Nn2Ll5Kk7");
    fake.seed(&id("polygon_api_key"), VENDOR_KEY);
    fake.seed(&id("api_keys"), NEW_KEY);
    let server = options(&fake)
        .set("SECRETS_DIR", directory)
        .set("POLYGON_BASE_URL", NOBODY)
        .set("FINNHUB_API_KEY", "finnhub-Jp4wRk7nXt9vMq1zGc6y")
        .start();
    let sources = ["api_keys", "polygon_api_key", "finnhub_api_key"].map(|name| source(&server, name));
    assert_eq!(sources.map(Option::unwrap), ["file", "aws", "env"]);
    assert_eq!((status(&server, OLD_KEY), status(&server, NEW_KEY)), (200, 401), "the earlier place counts");
    let shadowed = |name| metric(&server, &format!("investiq_secret_shadowed_sources{{secret=\"{name}\"}}"));
    assert_eq!((shadowed("finnhub_api_key"), shadowed("polygon_api_key")), (1.0, 0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_names_the_secrets_in_use_alone_is_enough() {
    let fake = fake();
    fake.seed(&id("api_keys"), OLD_KEY);
    fake.seed(&id("polygon_api_key"), VENDOR_KEY);
    let used = ["api_keys", "polygon_api_key"];
    let used_when_there = [
        "database_url",
        "audit_key",
        "alpaca_webhook_secret",
        "bridge_webhook_secret",
        "circle_api_key",
        "alpaca_api_key",
        "alpaca_api_secret",
    ];
    let is_used = |name: &str| used.contains(&name) || used_when_there.contains(&name);
    // Secrets that this server does not use are refused, those that it uses are given or are not there.
    for spec in secrets::Catalogue::product().iter().filter(|spec| !is_used(spec.name.as_str())) {
        fake.seed(&id(spec.name.as_str()), "somebody-elses-Zq8Wm3Xc6Vb9Nn2Ll5Kk7Jj1Hh4Gg0Ff");
        fake.deny(&id(spec.name.as_str()));
    }
    let server = options(&fake).set("REQUIRE_AUTH", "true").set("POLYGON_BASE_URL", NOBODY).start();
    assert_eq!(used.map(|name| source(&server, name).unwrap()), ["aws", "aws"]);
    assert_eq!(source(&server, "jwt_secret"), None);
    assert!(!server.log().contains("AccessDenied"), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_of_this_machine_that_hides_one_of_aws_is_told_in_the_log_and_in_a_metric() {
    let fake = fake();
    fake.seed(&id("api_keys"), NEW_KEY);
    let mut server = options(&fake).set("API_KEYS", OLD_KEY).set("REQUIRE_AUTH", "true").start();
    assert_eq!((status(&server, OLD_KEY), status(&server, NEW_KEY)), (200, 401));
    assert_eq!(metric(&server, "investiq_secret_shadowed_sources{secret=\"api_keys\"}"), 1.0);
    let seen = fake.calls_total();
    until("it looked several times", || fake.calls_total() >= seen + 3).await;
    let log = server.whole_log();
    let told = log.lines().filter(|line| line.contains("hides another value, in AWS secret"));
    assert_eq!(told.count(), 1, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_prefix_nobody_is_asked() {
    let fake = fake();
    let server = options(&fake).unset("SECRET_PREFIX").start();
    assert_eq!(status(&server, ""), 200, "open, on this machine");
    assert_eq!(fake.heads().len(), 0);
    assert_eq!(source(&server, "api_keys"), None);
}

/// A server that would start in production.
fn production() -> ServerOptions {
    plain().set("INVESTIQ_PROFILE", "production").set("REQUIRE_AUTH", "true").set("API_KEYS", OLD_KEY)
}

#[tokio::test(flavor = "multi_thread")]
async fn production_refuses_placeholders_and_emulators_by_name_and_starts_without_them() {
    let server = production().start();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.pid())).unwrap();
    let cores = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    assert_eq!(cores.split_whitespace().collect::<Vec<_>>(), ["0", "0", "bytes"]);
    drop(server);
    for (variable, value, name) in [
        ("JWT_SECRET", "changeme", "jwt_secret"),
        ("POLYGON_API_KEY", "your-api-key-here", "polygon_api_key"),
        ("LIVE_TRADING_KEY", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "live_trading_key"),
    ] {
        let (status, log) = production().set(variable, value).refused();
        assert!(!status.success() && log.contains(name), "{variable}: {log}");
        assert!(!log.contains(value), "{variable}: {log}");
    }
    let fake = fake();
    fake.seed(&id("api_keys"), OLD_KEY);
    for profile in ["production", "staging"] {
        let refused = options(&fake).set("INVESTIQ_PROFILE", profile).set("REQUIRE_AUTH", "true").refused();
        let (status, log) = refused;
        assert!(!status.success() && log.contains(&fake.endpoint_url()), "{profile}: {log}");
        assert_eq!(fake.heads().len(), 0, "nobody was asked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_without_a_region_and_a_refused_read_stop_the_start_by_name() {
    let fake = fake();
    let (status, log) = options(&fake).unset("AWS_REGION").refused();
    assert!(!status.success() && log.contains("AWS_REGION"), "{log}");
    fake.seed(&id("api_keys"), OLD_KEY);
    fake.deny(&id("api_keys"));
    let (status, log) = options(&fake).refused();
    assert!(!status.success() && log.contains(&id("api_keys")), "{log}");
}
