//! A store for one test, and the contents of its ledger.

use domain::Fact;
use jiff::Timestamp;
use ledger::Rules;

use crate::actor::Actor;
use crate::config::StoreConfig;
use crate::database::{Operation, retry, sql};
use crate::error::Error;
use crate::ledger::{EntryFilter, lock_accounts, post};
use crate::reports::{ReportKind, ReportRequest, ReportRow};
use crate::store::Store;
use crate::url::DatabaseUrl;

/// The contents of the ledger, without times of writing and revisions.
const CONTENTS: [&str; 9] = [
    "SELECT account || ' ' || currency || ' ' || balance || ' ' || cover || ' ' || flow AS line FROM ledger_balances \
     WHERE balance <> 0 OR cover <> 0",
    "SELECT account || ' ' || currency || ' ' || SUM(minor) AS line FROM ledger_entries GROUP BY account, currency \
     HAVING SUM(minor) <> 0",
    "SELECT t.subject || ' ' || t.effect || ' ' || t.kind || ' ' || e.account || ' ' || SUM(e.minor) AS line \
     FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id \
     GROUP BY t.subject, t.effect, t.kind, e.account, e.currency HAVING SUM(e.minor) <> 0",
    "SELECT account || ' ' || symbol || ' ' || quantity || ' ' || COALESCE(cost, 0) || ' ' || last_at AS line \
     FROM positions",
    "SELECT id || ' ' || COALESCE(amount, 0) || status || posting_mode || COALESCE(settled_at, 0) || ' ' || \
     COALESCE(returned_at, 0) || ' ' || last_at AS line FROM transfers",
    "SELECT account || symbol || id || side || status || cumulative || COALESCE(notional, 0) || ' ' || last_at AS line \
     FROM orders",
    "SELECT account || symbol || id || kind || quantity || COALESCE(notional, 0) || status || at AS line FROM fills",
    "SELECT subject || kind || about || at AS line FROM reviews WHERE resolved_at IS NULL",
    "SELECT account || COALESCE(status, '') || COALESCE(registered_at, 0) || ' ' || COALESCE(last_seen_at, 0) AS line \
     FROM provider_accounts",
];

/// The numbers of new facts and entries.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Posted {
    pub(super) facts: u64,
    pub(super) entries: u64,
}

#[derive(Clone)]
pub(super) struct TestLedger {
    pub(super) store: Store,
}

/// The time of all writes in these tests.
pub(super) fn now() -> Timestamp {
    "2026-03-02T20:00:00Z".parse().unwrap()
}

impl TestLedger {
    pub(super) async fn open(url: DatabaseUrl) -> Self {
        let key = audit::Key::new(b"a key of 32 bytes for one test..").unwrap();
        let mut config = StoreConfig::new(url);
        // Waiting for a connection that the same test uses elsewhere is not an outage.
        config.connect_timeout = std::time::Duration::from_secs(60);
        Self { store: Store::open(config, key, now()).await.unwrap() }
    }

    pub(super) async fn try_post(&self, facts: &[Fact]) -> Result<Posted, Error> {
        self.try_post_at(facts, now()).await
    }

    async fn try_post_at(&self, facts: &[Fact], now: Timestamp) -> Result<Posted, Error> {
        let mut writer = self.store.shared.database.writer(Operation::Other).await?;
        let mut tx = writer.begin().await?;
        lock_accounts(&mut tx, facts).await?;
        let batch = post(&mut tx, facts, &Rules::default(), now, &self.store.shared.key.load()).await?;
        let posted = Posted { facts: batch.facts(), entries: batch.entries() };
        let detail = serde_json::json!({ "ledger": batch.detail() });
        self.store.commit(tx, Actor::named("test").entry("test.post", "ledger", &detail, now)?).await?;
        Ok(posted)
    }

    pub(super) async fn post(&self, facts: &[Fact]) -> Posted {
        self.try_post(facts).await.unwrap()
    }

    /// Posts as recorded at `now`.
    pub(super) async fn post_at(&self, facts: &[Fact], now: Timestamp) -> Posted {
        self.try_post_at(facts, now).await.unwrap()
    }

    /// Posts concurrently: retried when the database rolls it back because of another transaction.
    pub(super) async fn post_concurrently(&self, facts: &[Fact]) {
        retry(|| self.try_post(facts)).await.unwrap();
    }

    pub(super) async fn run(&self, sql: &'static str) -> Result<u64, Error> {
        let mut writer = self.store.shared.database.writer(Operation::Other).await?;
        let mut tx = writer.begin().await?;
        let rows = tx.execute(sql!(sql)).await?.rows;
        tx.commit().await?;
        Ok(rows)
    }

    pub(super) async fn number(&self, sql: &'static str) -> i64 {
        let mut reader = self.store.shared.database.reader(Operation::Other).await.unwrap();
        let mut tx = reader.begin().await.unwrap();
        tx.fetch_optional(sql!(sql)).await.unwrap().unwrap().int("number").unwrap()
    }

    /// The balance of one account, in smallest units.
    pub(super) async fn balance(&self, account: &str, currency: &str) -> i64 {
        let sql = "SELECT CAST(COALESCE(SUM(minor), 0) AS BIGINT) AS minor FROM ledger_entries \
                   WHERE account = $1 AND currency = $2";
        let mut reader = self.store.shared.database.reader(Operation::Other).await.unwrap();
        let mut tx = reader.begin().await.unwrap();
        tx.fetch_optional(sql!(sql, account, currency)).await.unwrap().unwrap().int("minor").unwrap()
    }

    /// The contents of a ledger that verifies as whole.
    pub(super) async fn contents(&self) -> Vec<String> {
        let verified = self.store.verify_ledger(None, |_, _| ()).await.unwrap();
        assert_eq!(verified.findings, [], "{verified:#?}");
        let mut reader = self.store.shared.database.reader(Operation::Other).await.unwrap();
        let mut tx = reader.begin().await.unwrap();
        let mut lines = Vec::new();
        for sql in CONTENTS {
            let rows = tx.fetch_all(sql!(sql)).await.unwrap();
            lines.extend(rows.iter().map(|row| row.text("line").unwrap()));
        }
        lines.sort_unstable();
        lines
    }
}

/// The lines of a report as CSV.
pub(super) async fn rows(ledger: &TestLedger, kind: ReportKind, filter: &EntryFilter) -> Vec<String> {
    let request = ReportRequest { kind, filter: filter.clone() };
    assert_eq!(request.check(), Ok(()));
    let (pages, mut received) = tokio::sync::mpsc::channel::<Vec<ReportRow>>(1);
    let lines = async {
        let mut lines = Vec::new();
        while let Some(page) = received.recv().await {
            lines.extend(page.iter().map(|row| row.csv().trim_end().to_owned()));
        }
        lines
    };
    let (result, lines) =
        tokio::join!(ledger.store.report(&domain::AccountScope::All, &request, pages), lines);
    result.unwrap();
    lines
}
