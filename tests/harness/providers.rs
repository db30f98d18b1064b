//! The providers as seen from a server: they know its secrets, sign what they send, and send it.
//!
//! What they say is built by [`crate::events`]; how they sign is [`crate::signer`]'s.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;

use crate::circle::FakeCircle;
use crate::client::Answer;
use crate::server::{Server, ServerOptions};
use crate::signer::{KeyPair, Signer};

/// What Alpaca signs with.
pub const ALPACA_SECRET: &str = "Hn8vTx3qWm6zLr2pKc9yBs5dJgAa7Fe4";
/// The administrator of a server of these tests.
pub const ADMIN_KEY: &str = "webhook-test-admin-Hn8vTx3qWm6zLr2pKc9yBs5dJg";
/// One who may only look.
pub const VIEWER_KEY: &str = "webhook-test-viewer-Jp4wRk7nXt9vMq1zGc6yLs8bHd";
/// Circle's token id of USDC, as the servers of these tests are told.
pub const USDC_TOKEN_ID: &str = "36b6931a-873a-56a8-8a27-b706b17104ee";
/// Which of Circle's keys signs.
pub const CIRCLE_KEY_ID: &str = "5d1f6b0e-2f0b-4f1b-9c52-6f1f0c0c0a01";
/// What a server shows Circle when it asks for a key.
const CIRCLE_API_KEY: &str = "TEST_API_KEY:Zq8Wm3Xc6Vb9Nn2L:l5Kk7Jp4wRk7nXt9vMq1zGc6y";
/// The name of Bridge's key in the signer.
pub const BRIDGE_KEY: &str = "bridge";
/// The name of Circle's key in the signer.
pub const CIRCLE_KEY: &str = "circle";
/// Longest wait for the effect of what a server has acknowledged: a worker that died holds it for half a minute.
const EFFECT_WAIT: Duration = Duration::from_secs(90);

/// Pause between two looks at it.
const LOOK_PAUSE: Duration = Duration::from_millis(50);
/// Lines of the log that a failure shows.
const LOG_LINES: usize = 40;

/// All three providers.
pub struct Providers {
    /// Who signs.
    pub signer: Signer,
    /// Where Circle's keys are asked for.
    pub circle: FakeCircle,
    bridge: KeyPair,
}

/// A request as a provider would send it.
#[derive(Clone, Debug)]
pub struct SignedRequest {
    /// Where to.
    pub path: String,
    /// The headers that matter.
    pub headers: Vec<(String, String)>,
    /// Its exact bytes.
    pub body: Vec<u8>,
}

impl Providers {
    /// Makes keys, and a Circle that knows one of them.
    #[must_use]
    pub fn new() -> Self {
        let signer = Signer::start();
        let bridge = signer.key(BRIDGE_KEY, "2048");
        let circle = FakeCircle::start();
        circle.publish(CIRCLE_KEY_ID, &signer.key(CIRCLE_KEY, "P-256").der);
        Self { signer, circle, bridge }
    }

    /// A server that knows them, with an administrator and a viewer, and no limit in the way.
    #[must_use]
    pub fn options(&self) -> ServerOptions {
        ServerOptions::new()
            .set("SECRETS_DIR", "/nowhere")
            .set("API_KEYS", format!("{ADMIN_KEY}:admin,{VIEWER_KEY}:viewer"))
            .set("REQUIRE_AUTH", "true")
            .set("RATE_LIMIT_PER_MINUTE", "1000000000")
            .set("WEBHOOK_RATE_LIMIT_PER_MINUTE", "1000000000")
            .set("ALPACA_WEBHOOK_SECRET", ALPACA_SECRET)
            .set("BRIDGE_WEBHOOK_SECRET", self.bridge.pem.trim().replace('\n', "\\n"))
            .set("CIRCLE_API_KEY", CIRCLE_API_KEY)
            .set("CIRCLE_BASE_URL", self.circle.base_url())
            .set("CIRCLE_USDC_TOKEN_IDS", USDC_TOKEN_ID)
    }

    /// What Alpaca sends to the path of this kind, signed now.
    #[must_use]
    pub fn alpaca(&self, kind: &str, body: impl Into<Vec<u8>>) -> SignedRequest {
        let body = body.into();
        let header = self.signer.alpaca(ALPACA_SECRET, now().as_second(), &body);
        request(&format!("/api/v1/webhooks/alpaca/{kind}"), &[("alpaca-signature", header)], body)
    }

    /// What Bridge sends, signed now.
    #[must_use]
    pub fn bridge(&self, body: impl Into<Vec<u8>>) -> SignedRequest {
        let body = body.into();
        let header = self.signer.bridge(BRIDGE_KEY, now().as_millisecond(), &body);
        request("/api/v1/webhooks/bridge", &[("x-webhook-signature", header)], body)
    }

    /// What Circle sends directly.
    #[must_use]
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
    /// The same with another value of a header.
    #[must_use]
    pub fn with(self, name: &str, value: impl Into<String>) -> Self {
        self.without(name).adding(name, value)
    }

    /// The same with another line of a header.
    #[must_use]
    pub fn adding(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The same without a header.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(found, _)| found != name);
        self
    }

    /// The value of a header.
    ///
    /// # Panics
    /// When it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_else(|| panic!("{name} in {:?}", self.headers))
    }

    /// The same sent elsewhere.
    #[must_use]
    pub fn to(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// The same with other bytes under the same signature.
    #[must_use]
    pub fn carrying(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }
}

impl Server {
    /// Sends it once and gives the answer.
    ///
    /// # Panics
    /// When no answer comes.
    #[must_use]
    pub fn deliver(&self, request: &SignedRequest) -> Answer {
        let headers: Vec<(&str, &str)> =
            request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.send_bytes(Method::POST, &request.path, &headers, Some(&request.body))
    }

    /// What an administrator reads there.
    ///
    /// # Panics
    /// When it is not given.
    #[must_use]
    pub fn read(&self, path: &str) -> serde_json::Value {
        let answer = self.get(path, &[("x-api-key", ADMIN_KEY)]);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()
    }

    /// The value of a series of the metrics, named without the prefix that all have; of a family, the sum of its series.
    /// `None` when it is not there.
    #[must_use]
    pub fn metric(&self, series: &str) -> Option<f64> {
        let text = self.get("/metrics", &[]).body;
        let ours = |line: &str| {
            let rest = line.strip_prefix("investiq_")?.strip_prefix(series)?;
            let (labels, value) = rest.rsplit_once(' ')?;
            (labels.is_empty() || labels.starts_with('{')).then(|| value.parse::<f64>().ok())?
        };
        text.lines().filter_map(ours).reduce(|sum, value| sum + value)
    }

    /// The last lines of the log that tell of more than a request.
    fn told(&self) -> String {
        let log = self.log();
        let told: Vec<&str> = log.lines().filter(|line| !line.contains("\"target\":\"access\"")).collect();
        told[told.len().saturating_sub(LOG_LINES)..].join("\n")
    }

    /// Waits until it holds.
    ///
    /// # Panics
    /// When it does not, with the server's log.
    pub fn until(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let deadline = std::time::Instant::now() + EFFECT_WAIT;
        while !holds(self) {
            assert!(
                std::time::Instant::now() < deadline,
                "not within {EFFECT_WAIT:?}: {what}; the last of the log:\n{}",
                self.told()
            );
            std::thread::sleep(LOOK_PAUSE);
        }
    }
}

/// The machine's time: a server judges freshness by it.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "a server judges the freshness of a signature by the machine's clock"
)]
pub fn now() -> Timestamp {
    Timestamp::try_from(std::time::SystemTime::now()).expect("the machine's clock is within this age")
}

fn request(path: &str, headers: &[(&str, String)], body: Vec<u8>) -> SignedRequest {
    let mut all = vec![("content-type".to_owned(), "application/json".to_owned())];
    all.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    SignedRequest { path: path.to_owned(), headers: all, body }
}
