//! A database for one test, and deliveries for it.

use std::sync::{Arc, Mutex, Weak};

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use store::{ApplyOutcome, Job, OpenError, Receipt, Store, StoreConfig};
use test_postgres::{PgBouncer, Postgres};
use webhooks::{Delivery, Interpretation, alpaca};

/// The cluster is shared by the tests that run at the same time, and ends with the last of them.
static CLUSTER: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());

/// An empty database.
pub(crate) struct TestDatabase {
    url: String,
    /// Of stores, if they go through a pooler.
    pooled_url: Option<String>,
    backend: TestBackend,
}

enum TestBackend {
    Sqlite { _directory: tempfile::TempDir },
    Postgres { cluster: Arc<Cluster> },
}

struct Cluster {
    // Fields are dropped in order: the pooler first.
    pooler: PgBouncer,
    postgres: Postgres,
}

impl TestDatabase {
    pub(crate) fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("data/investiq.db").display());
        Self { url, pooled_url: None, backend: TestBackend::Sqlite { _directory: directory } }
    }

    pub(crate) fn postgres() -> Self {
        let cluster = {
            let mut shared = CLUSTER.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            shared.upgrade().unwrap_or_else(|| {
                let postgres = Postgres::start();
                // Nothing may rest on the server's default.
                postgres.execute("postgres", "ALTER SYSTEM SET synchronous_commit = off");
                postgres.execute("postgres", "SELECT pg_reload_conf()");
                let pooler = PgBouncer::start(&postgres);
                let cluster = Arc::new(Cluster { pooler, postgres });
                *shared = Arc::downgrade(&cluster);
                cluster
            })
        };
        static SERIAL: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let serial = SERIAL.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let url = cluster.postgres.create_database(&format!("test_{serial}"));
        Self { url, pooled_url: None, backend: TestBackend::Postgres { cluster } }
    }

    /// A database of Postgres whose stores go through PgBouncer in transaction mode.
    pub(crate) fn pooled() -> Self {
        let mut database = Self::postgres();
        let TestBackend::Postgres { cluster } = &database.backend else { unreachable!() };
        let name = database.url.rsplit('/').next().unwrap();
        database.pooled_url = Some(cluster.pooler.url(name));
        database
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.backend, TestBackend::Sqlite { .. })
    }

    pub(crate) fn config(&self) -> StoreConfig {
        StoreConfig::new(self.pooled_url.as_ref().unwrap_or(&self.url).parse().unwrap())
    }

    pub(crate) async fn open(&self) -> Store {
        self.try_open().await.unwrap()
    }

    pub(crate) async fn try_open(&self) -> Result<Store, OpenError> {
        Store::open(self.config(), key(), now()).await
    }

    /// Runs statements that bypass the store.
    pub(crate) async fn sql(&self, statements: &str) {
        let statements = AssertSqlSafe(statements.to_owned());
        match &self.backend {
            TestBackend::Sqlite { .. } => {
                self.sqlite_connection().await.execute(sqlx::raw_sql(statements)).await.map(drop).unwrap();
            }
            TestBackend::Postgres { .. } => {
                self.postgres_connection().await.execute(sqlx::raw_sql(statements)).await.map(drop).unwrap();
            }
        }
    }

    /// The column `line` of all rows of a statement.
    pub(crate) async fn lines(&self, statement: &str) -> Vec<String> {
        let statement = AssertSqlSafe(statement.to_owned());
        match &self.backend {
            TestBackend::Sqlite { .. } => {
                sqlx::query_scalar(statement).fetch_all(&mut self.sqlite_connection().await).await.unwrap()
            }
            TestBackend::Postgres { .. } => {
                sqlx::query_scalar(statement).fetch_all(&mut self.postgres_connection().await).await.unwrap()
            }
        }
    }

    /// Changes a table without its triggers, after it was copied to `saved`. Returns whether anything is different: a statement
    /// that the schema refuses changes nothing.
    pub(crate) async fn tamper(&self, table: &str, statement: &str) -> bool {
        self.sql(&format!("DROP TABLE IF EXISTS saved; CREATE TABLE saved AS SELECT * FROM {table}")).await;
        let changed = format!(
            "SELECT COUNT(*) FROM (SELECT * FROM (SELECT * FROM {table} EXCEPT SELECT * FROM saved) a \
             UNION ALL SELECT * FROM (SELECT * FROM saved EXCEPT SELECT * FROM {table}) b) c"
        );
        self.try_without_triggers(statement).await && self.number(&changed).await > 0
    }

    /// Undoes [`tamper`](Self::tamper).
    pub(crate) async fn restore(&self, table: &str) {
        let overriding = if self.is_sqlite() { "" } else { "OVERRIDING SYSTEM VALUE" };
        let statements =
            [format!("DELETE FROM {table}"), format!("INSERT INTO {table} {overriding} SELECT * FROM saved")];
        for statement in statements {
            assert!(self.try_without_triggers(&statement).await, "{statement}");
        }
    }

    async fn try_without_triggers(&self, statement: &str) -> bool {
        let statement = AssertSqlSafe(statement.to_owned());
        match &self.backend {
            TestBackend::Sqlite { .. } => {
                let mut connection = self.sqlite_connection().await;
                let triggers = "SELECT 'DROP TRIGGER ' || name FROM sqlite_schema WHERE type = 'trigger'";
                for drop_trigger in self.lines(triggers).await {
                    connection.execute(AssertSqlSafe(drop_trigger)).await.unwrap();
                }
                connection.execute("PRAGMA foreign_keys = OFF").await.unwrap();
                connection.execute(statement).await.is_ok()
            }
            TestBackend::Postgres { .. } => {
                let mut connection = self.postgres_connection().await;
                connection.execute("SET session_replication_role = replica").await.unwrap();
                connection.execute(statement).await.is_ok()
            }
        }
    }

    /// The one number that a statement selects.
    pub(crate) async fn number(&self, statement: &str) -> i64 {
        let statement = AssertSqlSafe(statement.to_owned());
        match &self.backend {
            TestBackend::Sqlite { .. } => {
                sqlx::query_scalar(statement).fetch_one(&mut self.sqlite_connection().await).await.unwrap()
            }
            TestBackend::Postgres { .. } => {
                sqlx::query_scalar(statement).fetch_one(&mut self.postgres_connection().await).await.unwrap()
            }
        }
    }

    /// As [`number`](Self::number), on the way that stores take to Postgres.
    pub(crate) async fn number_as_client(&self, statement: &str) -> i64 {
        let url = self.pooled_url.as_ref().unwrap_or(&self.url);
        let options = url.parse::<sqlx::postgres::PgConnectOptions>().unwrap().extra_float_digits(None);
        let mut connection = sqlx::PgConnection::connect_with(&options).await.unwrap();
        let statement = AssertSqlSafe(statement.to_owned());
        sqlx::query_scalar(statement).persistent(false).fetch_one(&mut connection).await.unwrap()
    }

    pub(crate) async fn sqlite_connection(&self) -> sqlx::SqliteConnection {
        let path = self.url.strip_prefix("sqlite:").unwrap();
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
        std::fs::create_dir_all(std::path::Path::new(path).parent().unwrap()).unwrap();
        sqlx::SqliteConnection::connect_with(&options).await.unwrap()
    }

    pub(crate) async fn postgres_connection(&self) -> sqlx::PgConnection {
        sqlx::PgConnection::connect(&self.url).await.unwrap()
    }

    /// Keeps all writers out until the blocker is released.
    pub(crate) async fn block_writers(&self) -> Blocker {
        match &self.backend {
            TestBackend::Sqlite { .. } => {
                let mut connection = self.sqlite_connection().await;
                connection.execute("BEGIN IMMEDIATE").await.unwrap();
                Blocker::Sqlite(connection)
            }
            TestBackend::Postgres { .. } => {
                let mut connection = self.postgres_connection().await;
                connection
                    .execute(sqlx::raw_sql("BEGIN; LOCK TABLE webhook_events IN EXCLUSIVE MODE"))
                    .await
                    .unwrap();
                Blocker::Postgres(connection)
            }
        }
    }
}

pub(crate) enum Blocker {
    Sqlite(sqlx::SqliteConnection),
    Postgres(sqlx::PgConnection),
}

impl Blocker {
    pub(crate) async fn release(self) {
        match self {
            Self::Sqlite(mut connection) => connection.execute("ROLLBACK").await.map(drop).unwrap(),
            Self::Postgres(mut connection) => connection.execute("ROLLBACK").await.map(drop).unwrap(),
        }
    }
}

/// The audit key of every test.
pub(crate) fn key() -> audit::Key {
    audit::Key::new(b"a key of tests, of thirty-two bytes and more").unwrap()
}

/// The time at which every test starts.
pub(crate) fn now() -> Timestamp {
    "2026-01-02T15:04:05.000006Z".parse().unwrap()
}

pub(crate) fn after_s(seconds: i64) -> Timestamp {
    now() + jiff::SignedDuration::from_secs(seconds)
}

/// A fill of an order.
pub(crate) fn fill(id: &str) -> Delivery {
    trade(id, "fill", "AAPL")
}

/// A trade event of a type, for a symbol.
pub(crate) fn trade(id: &str, event_type: &str, symbol: &str) -> Delivery {
    let body = format!(
        r#"{{"account_id":"a1","at":"2026-01-02T15:04:05.000006Z","event":"{event_type}","event_id":"{id}","execution_id":"e-{id}","timestamp":"2026-01-02T15:04:05Z","price":"100","qty":"1","position_qty":"1","order":{{"id":"o-{id}","symbol":"{symbol}","side":"buy","filled_qty":"1","filled_avg_price":"100","status":"filled"}}}}"#
    );
    alpaca::from_stream(alpaca::Kind::Trade, id, body.into()).unwrap()
}

/// Stores deliveries about different resources.
pub(crate) async fn receive(store: &Store, ids: std::ops::Range<u32>) -> Vec<store::EventId> {
    let mut events = Vec::new();
    for id in ids {
        let receipt = store.receive(&trade(&format!("id-{id}"), "fill", &symbol(id)), now()).await.unwrap();
        assert!(matches!(receipt, Receipt::Stored(_)), "{receipt:?}");
        events.push(receipt.id());
    }
    events
}

/// A different symbol for each number.
pub(crate) fn symbol(number: u32) -> String {
    let letter = |place: u32| char::from(b'A' + u8::try_from(number / 26_u32.pow(place) % 26).unwrap());
    [letter(2), letter(1), letter(0)].iter().collect()
}

/// Leases all due jobs.
pub(crate) async fn lease_all(store: &Store, owner: &str, at: Timestamp) -> Vec<Job> {
    let mut all = Vec::new();
    loop {
        let hold = std::time::Duration::from_secs(30);
        match store.lease(owner, store::LEASE_MAX, hold, at).await.unwrap() {
            jobs if jobs.is_empty() => return all,
            jobs => all.extend(jobs),
        }
    }
}

pub(crate) async fn apply(
    store: &Store,
    job: &Job,
    interpretation: &Interpretation,
    now: Timestamp,
) -> ApplyOutcome {
    let jobs = [(job.clone(), interpretation.clone())];
    store.apply_all(&jobs, &ledger::Rules::default(), now).await.unwrap().remove(0)
}
