//! A server with everything that it can depend on, and a Prometheus that scrapes it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reconciliation::{Api, Period};
use secrets::aws::{Batching, CredentialSource, SecretsManager, Settings};
use secrets::rotation::{Distribution, NewValue, OverlapPolicy, Rotation};
use secrets::{Catalogue, Profile, SecretSpec, SecretValue};
use store::{Actor, Store, StoreConfig};
use tests::alpaca::{FakeAlpaca, KEY_ID, KEY_SECRET};
use tests::polygon::FakePolygon;
use tests::providers::{ALPACA_SECRET, Providers, now};
use tests::secrets_manager::{ACCESS_KEY_ID, FakeSecretsManager, REGION, SECRET_ACCESS_KEY};
use tests::statements::FakeStatements;
use tests::{Postgres, Server, ServerOptions};

use crate::program::{Program, free_port};

const DATABASE: &str = "investiq";
const AUDIT_KEY: &[u8; 32] = b"an audit key of 32 bytes, a test";
const VENDOR_KEY: &str = "vendor-dashboards-Qx7mKp2vWn9tLz4rBc8yHs3dJf";
const PREFIX: &str = "investiq/test";
/// In Secrets Manager, so that it can be rotated.
const ROTATED: &str = "alpaca_webhook_secret";
const ROTATED_ID: &str = "investiq/test/alpaca-webhook-secret";
pub(crate) const NEW_ALPACA_SECRET: &str = "Jp4wRk7nXt9vMq1zGc6yLs8bHdQw2Er5";
const SECRET_TTL: Duration = Duration::from_secs(1);
const OVERLAP: Duration = Duration::from_secs(600);
/// For Prometheus to see the first process: it begins five seconds after its start.
const SCRAPES: Duration = Duration::from_secs(9);

pub(crate) struct Stack {
    pub(crate) server: Server,
    pub(crate) providers: Providers,
    pub(crate) vendor: FakePolygon,
    pub(crate) broker: FakeAlpaca,
    pub(crate) secrets: FakeSecretsManager,
    pub(crate) primary: Postgres,
    prometheus: Program,
    started: Instant,
    directory: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
    _redis: Program,
    _standby: Postgres,
}

impl Stack {
    /// Starts everything. The server was started once before, and a provider was reconciled.
    pub(crate) fn start() -> Self {
        let primary = Postgres::start();
        let database_url = primary.create_database(DATABASE);
        let standby = primary.standby();
        let redis = Program::start("redis-server", |port, _| {
            ["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""].map(str::to_owned).to_vec()
        });
        let (providers, vendor, broker) = (Providers::new(), FakePolygon::start(), FakeAlpaca::start());
        vendor.accept_keys(&[VENDOR_KEY]);
        let secrets = FakeSecretsManager::start();
        secrets.set_unix_ms(now().as_millisecond());
        secrets.seed(ROTATED_ID, ALPACA_SECRET);
        let metrics_address = format!("127.0.0.1:{}", free_port());
        let options = with_secrets(providers.options(), &secrets)
            .set("DATABASE_URL", database_url.as_str())
            .set("DATABASE_STANDBY_HOST", format!("127.0.0.1:{}", standby.port()))
            .set("REDIS_URL", format!("redis://{}", redis.address()))
            .set("POLYGON_API_KEY", VENDOR_KEY)
            .set("POLYGON_BASE_URL", vendor.base_url())
            .set("POLYGON_SYMBOLS_MAX", "4")
            .set("ALPACA_EVENTS_ENABLED", "true")
            .set("ALPACA_EVENTS_BASE_URL", broker.base_url())
            .set("ALPACA_API_KEY", KEY_ID)
            .set("ALPACA_API_SECRET", KEY_SECRET)
            .set("METRICS_BIND_ADDRESS", metrics_address.as_str())
            .set("HEALTH_CHECK_INTERVAL_SECS", "1")
            .set("REQUEST_TIMEOUT_SECS", "5")
            .set("RATE_LIMIT_PER_MINUTE", "1200")
            .set("RATE_LIMIT_BURST", "50")
            .set("TRUSTED_PROXIES", "127.0.0.1")
            .set("BANS", "enforce");
        let mut before = options.start();
        let (prometheus, started) = (scraper(&metrics_address), Instant::now());
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(reconcile(&database_url));
        std::thread::sleep(SCRAPES);
        drop(before.stop_and_read_log());
        let (server, directory) = (options.start(), tempfile::tempdir().unwrap());
        Self {
            server,
            providers,
            vendor,
            broker,
            secrets,
            primary,
            prometheus,
            started,
            directory,
            runtime,
            _redis: redis,
            _standby: standby,
        }
    }

    pub(crate) fn prometheus_url(&self) -> String {
        format!("http://{}", self.prometheus.address())
    }

    pub(crate) fn metrics_url(&self) -> String {
        format!("http://{}/metrics", self.server.metrics_address())
    }

    pub(crate) fn scraped_for(&self) -> Duration {
        self.started.elapsed()
    }

    /// Replaces the secret of Alpaca's deliveries; the previous one is accepted for a time.
    pub(crate) fn rotate(&self) {
        let spec = SecretSpec { ttl: SECRET_TTL, ..Catalogue::product().get(ROTATED).unwrap().clone() };
        let mut rotation = self.runtime.block_on(async {
            let terms = OverlapPolicy { overlap: OVERLAP, ..OverlapPolicy::new(&spec, Duration::ZERO) };
            let (manager, plan) = (manager(&self.secrets).await, self.directory.path().join("plan"));
            let mut rotation =
                Rotation::begin(&manager, &spec, Arc::new(clock), &plan, &terms).await.unwrap();
            let new = SecretValue::from_slice(NEW_ALPACA_SECRET.as_bytes());
            rotation.create(&NewValue::Given(new)).await.unwrap();
            rotation
        });
        let version = format!("version=\"{}\"", rotation.status().to);
        self.server.wait_until("the server accepts the new secret", |server| {
            server.get_metrics("/metrics", &[]).body.contains(&version)
        });
        self.runtime.block_on(rotation.finish(Distribution::Reported)).unwrap();
    }

    /// From now on the rotated secret cannot be read.
    pub(crate) fn deny_secret(&self) {
        self.secrets.deny(ROTATED_ID);
    }
}

fn with_secrets(options: ServerOptions, secrets: &FakeSecretsManager) -> ServerOptions {
    options
        .unset("ALPACA_WEBHOOK_SECRET")
        .set("AUDIT_KEY", base64::Engine::encode(&base64::prelude::BASE64_STANDARD, AUDIT_KEY))
        .set("SECRET_PREFIX", PREFIX)
        .set("AWS_REGION", REGION)
        .set("AWS_ENDPOINT_URL", secrets.endpoint_url())
        .set("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .set("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        .set("SECRET_TTL_SECS", SECRET_TTL.as_secs().to_string())
}

/// Scrapes the server each second, and evaluates the rules of the product as often.
fn scraper(server: &str) -> Program {
    let rules = tests::workspace_root().join("configs/prometheus");
    let configuration = format!(
        "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\n\
         rule_files: [\"{0}/recording_rules/*.yml\", \"{0}/alert_rules/*.yml\"]\n\
         scrape_configs: [{{ job_name: api-server, static_configs: [{{ targets: [\"{server}\"] }}] }}]\n",
        rules.display()
    );
    Program::start("prometheus", |port, directory| {
        std::fs::write(directory.join("prometheus.yml"), &configuration).unwrap();
        vec![
            format!("--config.file={}", directory.join("prometheus.yml").display()),
            format!("--storage.tsdb.path={}", directory.join("data").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
        ]
    })
}

/// Compares the books with a statement of Bridge that has one line more, as the server does once a day.
async fn reconcile(database_url: &str) {
    let bridge = FakeStatements::start("api-key", "a key");
    for path in ["/v0/transfers", "/v0/virtual_accounts/history", "/v0/static_memos/history"] {
        bridge.put(path, vec![]);
    }
    // Old enough that its event should have arrived.
    let at = now().checked_sub(jiff::SignedDuration::from_hours(72)).unwrap().to_string();
    let drain = serde_json::json!({
        "id": "l1", "state": "payment_processed", "amount": "5.0", "currency": "usdc", "customer_id": "c1",
        "source": { "payment_rail": "polygon", "currency": "usdc" },
        "destination": { "payment_rail": "ach", "currency": "usd" },
        "receipt": { "initial_amount": "5.0", "final_amount": "5.0" },
        "created_at": at, "updated_at": at,
    });
    bridge.put("/v0/liquidation_addresses/drains", vec![drain]);
    let key = audit::Key::new(AUDIT_KEY).unwrap();
    let store = Store::open(StoreConfig::new(database_url.parse().unwrap()), key, now()).await.unwrap();
    let (base_url, proxy) = (bridge.base_url().parse().unwrap(), outbound::Proxy::none());
    let key = Arc::new(|| Some("a key".parse().unwrap()));
    let api = Api::connect(domain::Provider::Bridge, base_url, &proxy, key, Default::default()).unwrap();
    let period = Period::last(7, now()).unwrap();
    let found = reconciliation::reconcile(&store, &api, period, now()).await.unwrap();
    reconciliation::record(&store, &found, Actor::named("test")).await.unwrap();
}

async fn manager(fake: &FakeSecretsManager) -> SecretsManager {
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
    SecretsManager::connect(&settings, Profile::Development, Arc::new(clock)).await.unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the server's clock is the machine's, and deadlines are compared"
)]
fn clock() -> std::time::SystemTime {
    std::time::SystemTime::now()
}
