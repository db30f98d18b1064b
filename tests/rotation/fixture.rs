//! A fake Secrets Manager, servers with secrets in it, and rotations of them.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use secrets::aws::{Batching, CredentialSource, SecretsManager, Settings};
use secrets::rotation::{NewValue, OverlapPolicy, Rotation};
use secrets::{Catalogue, Class, Clock, Format, Profile, SecretSpec, SecretValue};
use tests::secrets_manager::{ACCESS_KEY_ID, FakeSecretsManager, REGION, SECRET_ACCESS_KEY};
use tests::{Server, ServerOptions};

pub(crate) const PREFIX: &str = "investiq/test";
pub(crate) const OLD_KEY: &str = "rotation-test-Hn8vTx3qWm6zLr2pKc9yBs5dJg";
pub(crate) const NEW_KEY: &str = "rotation-test-Jp4wRk7nXt9vMq1zGc6yLs8bHd";
/// Time to live of a value in these servers.
pub(crate) const TTL: Duration = Duration::from_secs(1);
/// Above the minimum for a signing key (time to live plus 30 s), and above what any test waits for.
pub(crate) const OVERLAP: Duration = Duration::from_secs(600);
/// For something that takes a second or two, on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(90);

/// The name of a secret in AWS.
pub(crate) fn id(name: &str) -> String {
    format!("{PREFIX}/{}", name.replace('_', "-"))
}

/// A fake with the machine's time, as the servers have it.
pub(crate) fn fake() -> FakeSecretsManager {
    let fake = FakeSecretsManager::start();
    let since = now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    fake.set_unix_ms(i64::try_from(since.as_millis()).unwrap());
    fake
}

/// A server with secrets in the fake and no effective rate limit.
pub(crate) fn options(fake: &FakeSecretsManager) -> ServerOptions {
    plain()
        .set("SECRET_PREFIX", PREFIX)
        .set("AWS_REGION", REGION)
        .set("AWS_ENDPOINT_URL", fake.endpoint_url())
        .set("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .set("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        .set("SECRET_TTL_SECS", TTL.as_secs().to_string())
}

/// A server without secrets and without an effective rate limit.
pub(crate) fn plain() -> ServerOptions {
    ServerOptions::new().set("RATE_LIMIT_PER_MINUTE", "1000000000").set("SECRETS_DIR", ".")
}

/// The catalogue's entry with the servers' time to live; a signing key where it has none.
pub(crate) fn spec(name: &str) -> SecretSpec {
    let format = Format::Base64 { bytes_min: 32 };
    let key = || SecretSpec::new(name.parse().unwrap(), Class::SigningKey, format, "a test");
    SecretSpec { ttl: TTL, ..Catalogue::product().get(name).cloned().unwrap_or_else(key) }
}

pub(crate) fn clock() -> Clock {
    Arc::new(now)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the servers' clock is the machine's, and deadlines are compared"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

pub(crate) async fn manager(fake: &FakeSecretsManager) -> SecretsManager {
    let settings = Settings {
        prefix: PREFIX.to_owned(),
        region: REGION.to_owned(),
        endpoint: Some(fake.endpoint_url()),
        credentials: CredentialSource::Static {
            access_key_id: ACCESS_KEY_ID.to_owned(),
            secret_access_key: SecretValue::from_slice(SECRET_ACCESS_KEY.as_bytes()),
            session_token: None,
        },
        batching: Batching::Together,
        proxy: None,
    };
    SecretsManager::connect(&settings, Profile::Development, clock()).await.unwrap()
}

pub(crate) fn given(text: &str) -> NewValue {
    NewValue::Given(SecretValue::from_slice(text.as_bytes()))
}

/// A planned rotation with this overlap.
pub(crate) async fn begin(fake: &FakeSecretsManager, name: &str, plan: &Path, overlap: Duration) -> Rotation {
    let spec = spec(name);
    let terms = OverlapPolicy { overlap, ..OverlapPolicy::new(&spec, Duration::ZERO) };
    Rotation::begin(&manager(fake).await, &spec, clock(), plan, &terms).await.unwrap()
}

/// Waits until every server's metrics report this version at this stage.
pub(crate) async fn wait_until_reported(
    servers: &[&Server],
    name: &str,
    version: &secrets::VersionId,
    stage: &str,
) {
    let reports = |server: &Server| {
        let (secret, version) = (format!("secret=\"{name}\""), format!("version=\"{version}\""));
        let stage = format!("stage=\"{stage}\"");
        let metrics = metrics(server);
        let infos = metrics.lines().filter(|line| line.starts_with("investiq_secret_version_info{"));
        infos.into_iter().any(|line| [&secret, &version, &stage].iter().all(|part| line.contains(*part)))
    };
    until(&format!("{name} {version} {stage}"), || servers.iter().all(|server| reports(server))).await;
}

pub(crate) fn metrics(server: &Server) -> String {
    tokio::task::block_in_place(|| server.get("/metrics", &[]).body)
}

/// The value of a metric with these labels.
pub(crate) fn metric(server: &Server, series: &str) -> f64 {
    let text = metrics(server);
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{series} is not in\n{text}")).parse().unwrap()
}

/// The status of a request with this key.
pub(crate) fn status(server: &Server, key: &str) -> u16 {
    tokio::task::block_in_place(|| server.get("/api/symbols", &[("x-api-key", key)]).status)
}

pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + TIMEOUT;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {TIMEOUT:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
