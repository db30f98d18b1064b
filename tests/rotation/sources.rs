//! Where a server finds its secrets, and which settings prevent the start.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tests::{Server, ServerOptions};

use crate::fixture::{NEW_KEY, OLD_KEY, fake, id, metric, metrics, options, plain, status, until};

const VENDOR_KEY: &str = "vendor-Hn8vTx3qWm6zLr2pKc9yBs5dJg";
/// Port 9 (discard) on loopback refuses connections.
const UNREACHABLE: &str = "http://127.0.0.1:9";

fn write_secret(folder: &Path, name: &str, value: &str) {
    let path = folder.join(name);
    std::fs::write(&path, value).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o400)).unwrap();
}

/// The source of a secret's current value, as the metrics name it.
fn source(server: &Server, name: &str) -> Option<String> {
    let text = metrics(server);
    let secret = format!("secret=\"{name}\"");
    let mut infos = text.lines().filter(|line| line.starts_with("investiq_secret_version_info{"));
    let info = infos.find(|line| line.contains(&secret))?;
    Some(info.split_once("source=\"")?.1.split('"').next()?.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn files_alone_the_environment_alone_aws_alone_and_all_of_them_suffice() {
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
    // Each secret in another source, and two of them in two.
    write_secret(folder.path(), "circle_api_key", "circle-Zq8Wm3Xc6Vb9Nn2Ll5Kk7");
    fake.seed(&id("polygon_api_key"), VENDOR_KEY);
    fake.seed(&id("api_keys"), NEW_KEY);
    let server = options(&fake)
        .set("SECRETS_DIR", directory)
        .set("POLYGON_BASE_URL", UNREACHABLE)
        .set("CIRCLE_API_KEY", "circle-Jp4wRk7nXt9vMq1zGc6y")
        .start();
    let sources = ["api_keys", "polygon_api_key", "circle_api_key"].map(|name| source(&server, name));
    assert_eq!(sources.map(Option::unwrap), ["file", "aws", "env"]);
    assert_eq!((status(&server, OLD_KEY), status(&server, NEW_KEY)), (200, 401), "the earlier source wins");
    let shadowed = |name| metric(&server, &format!("investiq_secret_shadowed_sources{{secret=\"{name}\"}}"));
    assert_eq!((shadowed("circle_api_key"), shadowed("polygon_api_key")), (1.0, 0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_for_the_secrets_in_use_suffices() {
    let fake = fake();
    fake.seed(&id("api_keys"), OLD_KEY);
    fake.seed(&id("polygon_api_key"), VENDOR_KEY);
    let used = ["api_keys", "polygon_api_key"];
    // Any other secret of the account is denied.
    for name in ["jwt_secret", "another-servers-key"] {
        fake.seed(&id(name), "another-servers-Zq8Wm3Xc6Vb9Nn2Ll5Kk7Jj1Hh4Gg0Ff");
        fake.deny(&id(name));
    }
    let server = options(&fake).set("REQUIRE_AUTH", "true").set("POLYGON_BASE_URL", UNREACHABLE).start();
    assert_eq!(used.map(|name| source(&server, name).unwrap()), ["aws", "aws"]);
    assert!(!server.log().contains("AccessDenied"), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_value_that_shadows_one_of_aws_is_logged_and_counted() {
    let fake = fake();
    fake.seed(&id("api_keys"), NEW_KEY);
    let mut server = options(&fake).set("API_KEYS", OLD_KEY).set("REQUIRE_AUTH", "true").start();
    assert_eq!((status(&server, OLD_KEY), status(&server, NEW_KEY)), (200, 401));
    assert_eq!(metric(&server, "investiq_secret_shadowed_sources{secret=\"api_keys\"}"), 1.0);
    let before = fake.calls_total();
    until("it refreshed several times", || fake.calls_total() >= before + 3).await;
    let log = server.stop_and_read_log();
    let warnings = log.lines().filter(|line| line.contains("shadows another value, in AWS secret"));
    assert_eq!(warnings.count(), 1, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_prefix_aws_is_not_called() {
    let fake = fake();
    let server = options(&fake).unset("SECRET_PREFIX").start();
    assert_eq!(status(&server, ""), 200, "open on loopback");
    assert_eq!(fake.heads().len(), 0);
    assert_eq!(source(&server, "api_keys"), None);
}

/// A server that would start in production.
fn production() -> ServerOptions {
    plain().set("INVESTIQ_PROFILE", "production").set("REQUIRE_AUTH", "true").set("API_KEYS", OLD_KEY)
}

#[tokio::test(flavor = "multi_thread")]
async fn production_rejects_placeholders_and_emulators_by_name() {
    let server = production().start();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.pid())).unwrap();
    let cores = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    assert_eq!(cores.split_whitespace().collect::<Vec<_>>(), ["0", "0", "bytes"]);
    drop(server);
    for (variable, value, name) in [
        ("CIRCLE_API_KEY", "changeme", "circle_api_key"),
        ("POLYGON_API_KEY", "your-api-key-here", "polygon_api_key"),
        ("ALPACA_API_KEY", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "alpaca_api_key"),
    ] {
        let (status, log) = production().set(variable, value).start_failure();
        assert!(!status.success() && log.contains(name), "{variable}: {log}");
        assert!(!log.contains(value), "{variable}: {log}");
    }
    let fake = fake();
    fake.seed(&id("api_keys"), OLD_KEY);
    for profile in ["production", "staging"] {
        let failure =
            options(&fake).set("INVESTIQ_PROFILE", profile).set("REQUIRE_AUTH", "true").start_failure();
        let (status, log) = failure;
        assert!(!status.success() && log.contains(&fake.endpoint_url()), "{profile}: {log}");
        assert_eq!(fake.heads().len(), 0, "no request was sent");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_without_a_region_and_a_denied_read_prevent_the_start_by_name() {
    let fake = fake();
    let (status, log) = options(&fake).unset("AWS_REGION").start_failure();
    assert!(!status.success() && log.contains("AWS_REGION"), "{log}");
    fake.seed(&id("api_keys"), OLD_KEY);
    fake.deny(&id("api_keys"));
    let (status, log) = options(&fake).start_failure();
    assert!(!status.success() && log.contains(&id("api_keys")), "{log}");
}
