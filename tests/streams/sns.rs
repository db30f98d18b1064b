//! Circle's first system through the real server: messages of Amazon SNS from two regions, its certificates, and the
//! confirmation of its subscriptions.

mod hosts;
mod keys;
mod regions;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use serde_json::Value;
use tests::database::Database;
use tests::providers::{Providers, SignedRequest, now};
use tests::sns::{FakeSns, Topic, signed};
use tests::{Answer, Server};

/// The wallet that money of these tests comes into.
const WALLET: &str = "1000038499";

/// A server that is told of two topics, and what it asks instead of Amazon.
struct Stage {
    providers: Providers,
    sns: FakeSns,
    server: Server,
    east: Topic,
    west: Topic,
}

impl Stage {
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

    /// Signs a message, as the version that Circle's first system uses, and sends it.
    fn send(&self, message: &Value) -> Answer {
        self.deliver(signed(&self.providers.signer, message, "1"))
    }

    /// Sends a text as SNS does: with its own header, and as plain text.
    fn deliver(&self, body: String) -> Answer {
        let kind = "x-amz-sns-message-type".to_owned();
        let headers = vec![
            ("content-type".to_owned(), "text/plain; charset=UTF-8".to_owned()),
            (kind, "Notification".to_owned()),
        ];
        let path = "/api/v1/webhooks/circle".to_owned();
        self.server.deliver(&SignedRequest { path, headers, body: body.into_bytes() })
    }

    /// Refused for this reason: nothing is kept, and nothing but certificates was asked for.
    fn is_refused(&self, what: &str, answer: &Answer, reason: &str) {
        assert!(matches!(answer.status, 400 | 401), "{what}: {answer:?}");
        assert_eq!(answer.problem()["reason"], reason, "{what}: {answer:?}");
        assert_eq!(self.kept(), 0, "{what}");
        assert_eq!(self.sns.confirmed(), [], "{what}");
    }

    fn database(&self) -> Database {
        Database::Sqlite(self.server.directory().join("data/investiq.db"))
    }

    /// Deliveries in the inbox.
    fn kept(&self) -> i64 {
        self.database().number("SELECT COUNT(*) FROM webhook_events")
    }

    /// What the books say that the wallet has, over all its accounts.
    fn balance_minor(&self) -> i64 {
        let holder = format!("circle:{WALLET}");
        self.database().number(&format!("SELECT SUM(minor) FROM ledger_entries WHERE holder = '{holder}'"))
    }

    fn settle(&self) {
        crate::stage::settle(&self.server, &self.database());
    }
}

/// A place that counts who connects.
struct Trap {
    authority: String,
    connections: Arc<AtomicUsize>,
}

impl Trap {
    fn set() -> Self {
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

/// The inner message: money from a blockchain that came into the wallet.
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

fn status(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["status"].as_str().unwrap().to_owned()
}
