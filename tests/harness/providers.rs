//! The three providers: they share secrets with the server, and sign and send deliveries.
//!
//! [`crate::events`] builds the bodies, [`crate::signer`] signs them.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;

use crate::circle::FakeCircle;
use crate::client::Response;
use crate::server::{Server, ServerOptions};
use crate::signer::{KeyPair, Signer};

pub const ALPACA_SECRET: &str = "Hn8vTx3qWm6zLr2pKc9yBs5dJgAa7Fe4";
/// API keys of the server: an administrator's, and one that may only read.
pub const ADMIN_KEY: &str = "webhook-test-admin-Hn8vTx3qWm6zLr2pKc9yBs5dJg";
pub const VIEWER_KEY: &str = "webhook-test-viewer-Jp4wRk7nXt9vMq1zGc6yLs8bHd";
/// Circle's token id of USDC, as configured.
pub const USDC_TOKEN_ID: &str = "36b6931a-873a-56a8-8a27-b706b17104ee";
/// Of Circle's signing key.
pub const CIRCLE_KEY_ID: &str = "5d1f6b0e-2f0b-4f1b-9c52-6f1f0c0c0a01";
/// With which the server fetches Circle's keys.
const CIRCLE_API_KEY: &str = "TEST_API_KEY:Zq8Wm3Xc6Vb9Nn2L:l5Kk7Jp4wRk7nXt9vMq1zGc6y";
/// Names of the providers' keys in the signer.
pub const BRIDGE_KEY: &str = "bridge";
pub const CIRCLE_KEY: &str = "circle";
/// Longest wait for the effect of an acknowledged delivery: the lease of a dead worker lasts half a minute.
const EFFECT_TIMEOUT: Duration = Duration::from_secs(90);
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// That a failure shows.
const LOG_LINES_MAX: usize = 40;

pub struct Providers {
    pub signer: Signer,
    /// Serves Circle's keys.
    pub circle: FakeCircle,
    bridge: KeyPair,
}

#[derive(Clone, Debug)]
pub struct SignedRequest {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Providers {
    /// Generates keys, and starts a Circle that serves its public key.
    pub fn new() -> Self {
        let signer = Signer::start();
        let bridge = signer.key(BRIDGE_KEY, "2048");
        let circle = FakeCircle::start();
        circle.publish(CIRCLE_KEY_ID, &signer.key(CIRCLE_KEY, "P-256").der);
        Self { signer, circle, bridge }
    }

    /// A server with their keys and secrets, an administrator, a viewer, and no effective rate limit.
    pub fn options(&self) -> ServerOptions {
        ServerOptions::new()
            .set("SECRETS_DIR", ".")
            .set("API_KEYS", format!("{ADMIN_KEY}:admin,{VIEWER_KEY}:viewer"))
            .set("REQUIRE_AUTH", "true")
            .set("RATE_LIMIT_PER_MINUTE", "1000000000")
            .set("WEBHOOK_RATE_LIMIT_PER_MINUTE", "1000000000")
            .set("ALPACA_WEBHOOK_SECRET", ALPACA_SECRET)
            // Tests send entries of both lists, each in one of them.
            .set("LEDGER_ALPACA_ENTRIES", "either")
            .set("BRIDGE_WEBHOOK_SECRET", self.bridge.pem.trim().replace('\n', "\\n"))
            .set("CIRCLE_API_KEY", CIRCLE_API_KEY)
            .set("CIRCLE_BASE_URL", self.circle.base_url())
            .set("CIRCLE_USDC_TOKEN_IDS", USDC_TOKEN_ID)
    }

    /// A delivery of Alpaca to the endpoint of this kind, signed now.
    pub fn alpaca(&self, kind: &str, body: impl Into<Vec<u8>>) -> SignedRequest {
        let body = body.into();
        let header = self.signer.alpaca(ALPACA_SECRET, now().as_second(), &body);
        request(&format!("/api/v1/webhooks/alpaca/{kind}"), &[("alpaca-signature", header)], body)
    }

    /// A delivery of Bridge, signed now.
    pub fn bridge(&self, body: impl Into<Vec<u8>>) -> SignedRequest {
        let body = body.into();
        let header = self.signer.bridge(BRIDGE_KEY, now().as_millisecond(), &body);
        request("/api/v1/webhooks/bridge", &[("x-webhook-signature", header)], body)
    }

    /// A direct delivery of Circle.
    pub fn circle(&self, body: impl Into<Vec<u8>>) -> SignedRequest {
        let body = body.into();
        let signature = self.signer.circle(CIRCLE_KEY, &body);
        let headers = [("x-circle-signature", signature), ("x-circle-key-id", CIRCLE_KEY_ID.to_owned())];
        request("/api/v1/webhooks/circle", &headers, body)
    }
}

impl Default for Providers {
    fn default() -> Self {
        Self::new()
    }
}

impl SignedRequest {
    /// Replaces a header.
    pub fn with_header(self, name: &str, value: impl Into<String>) -> Self {
        self.without_header(name).with_added_header(name, value)
    }

    /// Adds a header line.
    pub fn with_added_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub fn without_header(mut self, name: &str) -> Self {
        self.headers.retain(|(found, _)| found != name);
        self
    }

    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_else(|| panic!("{name} in {:?}", self.headers))
    }

    /// Another body under the same signature.
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }
}

impl Server {
    /// Sends it once.
    pub fn deliver(&self, request: &SignedRequest) -> Response {
        let headers: Vec<(&str, &str)> =
            request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.send_bytes(Method::POST, &request.path, &headers, Some(&request.body))
    }

    /// The JSON that an administrator gets from `path`.
    pub fn admin_json(&self, path: &str) -> serde_json::Value {
        let response = self.get(path, &[("x-api-key", ADMIN_KEY)]);
        assert_eq!(response.status, 200, "{path}: {response:?}");
        response.json()
    }

    /// The value of a series, named without the common prefix, or the sum of a family's series.
    pub fn metric(&self, series: &str) -> Option<f64> {
        let text = self.get("/metrics", &[]).body;
        let value = |line: &str| {
            let rest = line.strip_prefix("investiq_")?.strip_prefix(series)?;
            let (labels, value) = rest.rsplit_once(' ')?;
            (labels.is_empty() || labels.starts_with('{')).then(|| value.parse::<f64>().ok())?
        };
        text.lines().filter_map(value).reduce(|sum, value| sum + value)
    }

    /// The last lines of the log, access log left out.
    fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().filter(|line| !line.contains("\"target\":\"access\"")).collect();
        lines[lines.len().saturating_sub(LOG_LINES_MAX)..].join("\n")
    }

    /// Waits until the condition holds; panics with the server's log when it does not.
    pub fn wait_until(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let deadline = std::time::Instant::now() + EFFECT_TIMEOUT;
        while !holds(self) {
            assert!(
                std::time::Instant::now() < deadline,
                "not within {EFFECT_TIMEOUT:?}: {what}; end of the log:\n{}",
                self.log_tail()
            );
            std::thread::sleep(POLL_INTERVAL);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the server checks the freshness of a signature against the machine's clock"
)]
pub fn now() -> Timestamp {
    Timestamp::try_from(std::time::SystemTime::now()).expect("the machine's clock is within this age")
}

fn request(path: &str, headers: &[(&str, String)], body: Vec<u8>) -> SignedRequest {
    let mut all = vec![("content-type".to_owned(), "application/json".to_owned())];
    all.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    SignedRequest { path: path.to_owned(), headers: all, body }
}
