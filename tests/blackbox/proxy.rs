//! Every client of the server uses the proxy of the environment, by the same rules.

use tests::connect_proxy::{ConnectProxy, PASSWORD};
use tests::events::circle_test;
use tests::polygon::FakePolygon;
use tests::providers::{Providers, now};
use tests::secrets_manager::{ACCESS_KEY_ID, FakeSecretsManager, REGION, SECRET_ACCESS_KEY};
use tests::{ServerOptions, alpaca};

const VENDOR: &str = "api.vendor.test";
const BROKER: &str = "api.broker.test";
const CIRCLE: &str = "api.circle.test";
const AWS: &str = "secretsmanager.aws.test";

/// The fakes behind the proxy. No name of them can be resolved.
struct Network {
    proxy: ConnectProxy,
    providers: Providers,
    _vendor: FakePolygon,
    broker: alpaca::FakeAlpaca,
    aws: FakeSecretsManager,
}

impl Network {
    fn start() -> Self {
        let (vendor, broker) = (FakePolygon::start(), alpaca::FakeAlpaca::start());
        let (providers, aws) = (Providers::new(), FakeSecretsManager::start());
        let proxy = ConnectProxy::start(&[
            (VENDOR, vendor.base_url()),
            (BROKER, broker.base_url()),
            (CIRCLE, providers.circle.base_url()),
            (AWS, aws.endpoint_url()),
        ]);
        Self { proxy, providers, _vendor: vendor, broker, aws }
    }

    /// A server that calls all of them.
    fn options(&self) -> ServerOptions {
        self.aws.seed("investiq/polygon-api-key", "vendor-key-Qx7mKp2vWn9tLz4rBc8yHs3dJf");
        self.options_without_aws()
            .set("SECRET_PREFIX", "investiq")
            .set("AWS_REGION", REGION)
            .set("AWS_ENDPOINT_URL", format!("https://{AWS}"))
            .set("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
            .set("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
            .unset("POLYGON_API_KEY")
    }

    fn options_without_aws(&self) -> ServerOptions {
        ServerOptions::new()
            .set("HTTPS_PROXY", self.proxy.url())
            .set("SSL_CERT_FILE", self.proxy.authority().display().to_string())
            .set("POLYGON_API_KEY", "vendor-key-Qx7mKp2vWn9tLz4rBc8yHs3dJf")
            .set("POLYGON_BASE_URL", format!("https://{VENDOR}"))
            .set("ALPACA_EVENTS_ENABLED", "true")
            .set("ALPACA_EVENTS_STREAMS", "trades")
            .set("ALPACA_EVENTS_BASE_URL", format!("https://{BROKER}"))
            .set("ALPACA_API_KEY", alpaca::KEY_ID)
            .set("ALPACA_API_SECRET", alpaca::KEY_SECRET)
            .set("CIRCLE_BASE_URL", format!("https://{CIRCLE}"))
            .set("CIRCLE_API_KEY", "TEST_API_KEY:Rq8Wm3Xc6Vb9Nn2L:p5Kk7Jp4wRk7nXt9vMq1zGc6y")
    }
}

fn tunnels(hosts: &[&str]) -> Vec<String> {
    let mut tunnels: Vec<String> = hosts.iter().map(|host| format!("{host}:443")).collect();
    tunnels.sort();
    tunnels
}

#[test]
fn every_client_uses_the_proxy() {
    let network = Network::start();
    let mut server = network.options().start();
    // The key of the vendor comes from AWS.
    let response = server.get("/api/analyze/AAPL", &[]);
    assert_eq!((response.status, &response.json()["data_source"]), (200, &"polygon".into()), "{response:?}");
    server.wait_until("the stream is read", |_| network.broker.requests(alpaca::Feed::Trades) > 0);
    // Its key is fetched.
    let delivered = server.deliver(&network.providers.circle(circle_test(now())));
    assert_eq!(delivered.status, 200, "{delivered:?}");
    assert_eq!(network.proxy.targets(), tunnels(&[VENDOR, BROKER, CIRCLE, AWS]));
    assert_eq!(network.proxy.rejected(), 0);

    let log = server.stop_and_read_log();
    assert!(!log.contains(PASSWORD), "{log}");
    let shown: Vec<_> = log.lines().filter(|line| line.contains(&network.proxy.bare_url())).collect();
    assert_eq!(shown.len(), 1, "the start shows the proxy: {log}");
}

#[test]
fn hosts_of_no_proxy_and_a_setting_are_exceptions_for_every_client() {
    let network = Network::start();
    for (name, value) in
        [("NO_PROXY", "broker.test,*.vendor.test, api.circle.test:443"), ("OUTBOUND_PROXY", "none")]
    {
        let server = network.options_without_aws().set(name, value).start();
        assert_ne!(server.get("/api/analyze/AAPL", &[]).status, 200, "there is no such host");
        server.deliver(&network.providers.circle(circle_test(now())));
        server
            .wait_until("the stream was tried", |server| server.log().contains("event stream disconnected"));
        assert_eq!(network.proxy.targets(), Vec::<String>::new(), "{name}");
    }
    for (name, value) in [("no_proxy", "aws.test"), ("OUTBOUND_PROXY", "none")] {
        let (status, log) = network.options().set(name, value).start_failure();
        assert_ne!(status.code(), Some(0));
        assert!(log.contains("polygon_api_key") || log.contains("AWS"), "{log}");
        assert_eq!(network.proxy.targets(), Vec::<String>::new(), "{name}: {log}");
    }
}

#[test]
fn a_variable_that_is_no_proxy_prevents_the_start_and_any_request() {
    let network = Network::start();
    let (status, log) = network
        .options()
        .set("HTTPS_PROXY", format!("socks5://user:{PASSWORD}@127.0.0.1:1080"))
        .start_failure();
    assert_ne!(status.code(), Some(0));
    assert!(log.contains("HTTPS_PROXY") && log.contains("SOCKS proxies are not supported"), "{log}");
    assert!(!log.contains(PASSWORD), "{log}");
    assert_eq!(network.aws.calls_total(), 0);
}
