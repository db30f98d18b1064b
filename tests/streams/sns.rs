//! Circle Mint through the real server: messages of Amazon SNS from two regions, certificates, and the
//! confirmation of subscriptions.

mod certificates;
mod hosts;
mod regions;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use serde_json::Value;
use tests::database::Database;
use tests::providers::{Providers, SignedRequest, now};
use tests::sns::{FakeSns, Topic, signed};
use tests::{Response, Server};

/// That receives the money.
const WALLET: &str = "1000038499";

/// A server with two topics, and a fake SNS.
struct Fixture {
    providers: Providers,
    sns: FakeSns,
    server: Server,
    east: Topic,
    west: Topic,
}

impl Fixture {
    fn start() -> Self {
        let providers = Providers::new();
        let sns = FakeSns::start(&providers.signer);
        let (east, west) = (Topic::in_region("us-east-1"), Topic::in_region("us-west-2"));
        let server = providers
            .options()
            .set("SNS_BASE_URL", sns.base_url())
            .set("CIRCLE_SNS_TOPICS", format!("{},{}", east.arn(), west.arn()))
            .start();
        Self { providers, sns, server, east, west }
    }

    /// Signs a message in the version that Circle Mint uses, and sends it.
    fn send(&self, message: &Value) -> Response {
        self.deliver(signed(&self.providers.signer, message, "1"))
    }

    /// Sends a text as SNS does: with its header, and as plain text.
    fn deliver(&self, body: String) -> Response {
        let kind = "x-amz-sns-message-type".to_owned();
        let headers = vec![
            ("content-type".to_owned(), "text/plain; charset=UTF-8".to_owned()),
            (kind, "Notification".to_owned()),
        ];
        let path = "/api/v1/webhooks/circle".to_owned();
        self.server.deliver(&SignedRequest { path, headers, body: body.into_bytes() })
    }

    /// Asserts that a message was rejected for this reason, not stored, and confirmed nothing.
    fn assert_rejected(&self, what: &str, response: &Response, reason: &str) {
        assert!(matches!(response.status, 400 | 401), "{what}: {response:?}");
        assert_eq!(response.problem()["reason"], reason, "{what}: {response:?}");
        assert_eq!(self.event_count(), 0, "{what}");
        assert_eq!(self.sns.confirmations(), [], "{what}");
    }

    fn database(&self) -> Database {
        Database::Sqlite(self.server.directory().join("data/investiq.db"))
    }

    fn event_count(&self) -> i64 {
        self.database().integer("SELECT COUNT(*) FROM webhook_events")
    }

    /// The wallet's balance over all of its accounts.
    fn balance_minor(&self) -> i64 {
        let holder = format!("circle:{WALLET}");
        self.database().integer(&format!("SELECT SUM(minor) FROM ledger_entries WHERE holder = '{holder}'"))
    }

    fn wait_until_applied(&self) {
        crate::fixture::wait_until_applied(&self.server, &self.database());
    }
}

/// Counts its connections.
struct CountingListener {
    authority: String,
    connections: Arc<AtomicUsize>,
}

impl CountingListener {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        std::thread::spawn(move || {
            for _ in listener.incoming() {
                counted.fetch_add(1, Relaxed);
            }
        });
        Self { authority, connections }
    }

    fn connections(&self) -> usize {
        self.connections.load(Relaxed)
    }
}

/// The inner message: a deposit from a blockchain into the wallet.
fn transfer(id: &str, amount: &str) -> String {
    serde_json::json!({
        "clientId": "f1397191-56e6-42fd-be86-0a7b9bd91522", "notificationType": "transfers", "version": 1,
        "customAttributes": {"clientId": "f1397191-56e6-42fd-be86-0a7b9bd91522"},
        "transfer": {
            "id": tests::events::uuid(id),
            "source": {"type": "blockchain", "chain": "ETH"},
            "destination": {"type": "wallet", "id": WALLET},
            "amount": {"amount": amount, "currency": "USD"},
            "transactionHash": "0x7351585460bd657f320b9afa02a52c26d89272d0d10cc29913eb8b28e64fd906",
            "status": "complete", "createDate": now().to_string(),
        },
    })
    .to_string()
}

fn status(response: &Response) -> String {
    assert_eq!(response.status, 200, "{response:?}");
    response.json()["status"].as_str().unwrap().to_owned()
}
