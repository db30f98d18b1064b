//! Statements of fake providers, compared with books that were posted from their webhooks.

mod alpaca_lists;
mod bridge_lists;
mod circle_lists;

use std::sync::Arc;

use domain::Provider;
use jiff::Timestamp;
use reconciliation::{Api, Error, Period, Reconciliation};
use serde_json::Value;
use store::{Actor, LEASE_MAX, Receipt, Store, StoreConfig};
use tests::statements::FakeStatements;
use webhooks::{Channel, Interpretation, ProviderSettings, alpaca};

/// A time at which everything of March 2026 is settled.
pub(crate) const NOW: &str = "2026-04-10T00:00:00Z";

/// Books, a provider, and the client of its statements.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) provider: FakeStatements,
    pub(crate) api: Api,
    settings: ProviderSettings,
    _directory: tempfile::TempDir,
}

impl Fixture {
    pub(crate) async fn new(provider: Provider, settings: ProviderSettings) -> Self {
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let url = format!("sqlite:{}", directory.path().join("books.db").display()).parse().unwrap();
        let key = audit::Key::new(b"a key of tests, of thirty-two bytes and more").unwrap();
        let store = Store::open(StoreConfig::new(url), key, now()).await.unwrap();
        let header = if provider == Provider::Bridge { "api-key" } else { "authorization" };
        let fake = FakeStatements::start(header, "a key");
        let key = Arc::new(|| Some("a key".parse().unwrap()));
        let (base_url, proxy) = (fake.base_url().parse().unwrap(), outbound::Proxy::none());
        let api = Api::connect(provider, base_url, &proxy, key, settings.clone()).unwrap();
        Self { store, provider: fake, api, settings, _directory: directory }
    }

    /// Posts what events of a channel say.
    pub(crate) async fn post(&self, channel: &str, events: &[Value]) {
        let channel: Channel = channel.parse().unwrap();
        let mut facts = Vec::new();
        for event in events {
            match webhooks::interpret(channel, event.to_string().as_bytes(), &self.settings) {
                Interpretation::Facts(of_event) => facts.extend(of_event),
                other => panic!("{other:?}: {event}"),
            }
        }
        // The facts of one job, whose event says nothing itself.
        let body = serde_json::json!({ "events": events }).to_string();
        let delivery = alpaca::from_stream(alpaca::Kind::Trade, "", body.into()).unwrap();
        let receipt = self.store.receive(&delivery, now()).await.unwrap();
        assert!(matches!(receipt, Receipt::Stored(_)), "{receipt:?}");
        let hold = std::time::Duration::from_secs(60);
        let job = self.store.lease("test", LEASE_MAX, hold, now()).await.unwrap().remove(0);
        let jobs = [(job, Interpretation::Facts(facts))];
        self.store.apply_all(&jobs, &ledger::Rules::default(), now()).await.unwrap();
    }

    pub(crate) async fn try_reconcile(&self) -> Result<Reconciliation, Error> {
        let march = Period { from: "2026-03-01".parse().unwrap(), to: "2026-03-31".parse().unwrap() };
        reconciliation::reconcile(&self.store, &self.api, march, now()).await
    }

    /// The number of equal lines, and mismatches as `kind line reason`.
    pub(crate) async fn reconcile(&self) -> (u64, Vec<String>) {
        let found = self.try_reconcile().await.unwrap();
        reconciliation::record(&self.store, &found, Actor::named("test")).await.unwrap();
        let mismatch = |mismatch: &reconciliation::Mismatch| {
            let line = mismatch.line().unwrap();
            let key = line.key().or_else(|| line.id.clone()).unwrap();
            format!("{} {key} {}", mismatch.kind, mismatch.reason)
        };
        (found.report.lines_matched(), found.report.mismatches.iter().map(mismatch).collect())
    }

    /// What open reviews of the reconciliation are about.
    pub(crate) async fn open_reviews(&self) -> Vec<String> {
        let filter = store::ReviewFilter {
            kind: Some("reconciliation".to_owned()),
            account: None,
            is_open: Some(true),
        };
        let reviews = self.store.reviews(&filter, None, 100).await.unwrap();
        let mut abouts: Vec<String> = reviews.into_iter().map(|review| review.about).collect();
        abouts.sort_unstable();
        abouts
    }
}

pub(crate) fn now() -> Timestamp {
    NOW.parse().unwrap()
}
