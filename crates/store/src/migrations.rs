//! Migrations of the schema, which run when the store is opened, or before by `investiq migrate`.
//!
//! All pending migrations run in one transaction, while other processes wait. The store is not opened if a migration fails,
//! if the text of an applied migration has changed, or if the database is ahead of this program.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::config::StoreConfig;
use crate::database::{Backend, Database, Operation, Row, Transaction, sql};
use crate::error::{Error, MigrateError, OpenError};
use crate::storage;

struct Migration {
    version: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! migration {
    ($version:literal, $name:literal) => {
        Migration {
            version: $version,
            name: $name,
            sqlite: include_str!(concat!("../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../migrations/postgres/", $name, ".sql")),
        }
    };
}

/// All migrations, in order. A released migration is never changed; a new one corrects it.
const MIGRATIONS: &[Migration] = &[
    migration!(1, "0001_initial"),
    migration!(2, "0002_books"),
    migration!(3, "0003_evidence"),
    migration!(4, "0004_journals"),
    migration!(5, "0005_storage"),
    migration!(6, "0006_coins"),
    migration!(7, "0007_reconciliation"),
    migration!(8, "0008_holders"),
    migration!(9, "0009_api_keys"),
    migration!(10, "0010_bans"),
];

const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    version BIGINT PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at BIGINT NOT NULL)";

/// Timeout of all migrations together, for large tables.
pub(crate) const TIMEOUT: Duration = Duration::from_mins(10);

/// Lock of processes that migrate one Postgres database; the number is arbitrary.
pub(crate) const LOCK: &str = "SET LOCAL statement_timeout = '10min'; SET LOCAL lock_timeout = '2min'; SELECT pg_advisory_xact_lock(4211500170)";

/// A migration of this program or of the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MigrationStatus {
    /// The version of the schema after it.
    pub version: i64,
    /// Its file name without the ending.
    pub name: String,
    /// Whether the database has it.
    pub state: MigrationState,
    /// When it was applied.
    pub applied_at: Option<Timestamp>,
}

/// Whether a database has a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MigrationState {
    /// The database has it.
    Applied,
    /// It will be applied.
    Pending,
    /// The database has another text of it.
    Changed,
    /// The database has it and this program does not: a newer version applied it.
    Unknown,
}

/// The migrations of a database and of this program, in order. Nothing is changed.
///
/// # Errors
/// The database cannot be read.
pub async fn migration_status(config: &StoreConfig) -> Result<Vec<MigrationStatus>, OpenError> {
    let database = storage::open(config).await?;
    let status = read(&database).await;
    database.close().await;
    status.map_err(|error| OpenError::Migrate(error.into()))
}

/// Applies the pending migrations, without opening a store; returns how many there were.
///
/// # Errors
/// [`OpenError`]; no change was made.
pub async fn migrate(config: &StoreConfig, now: Timestamp) -> Result<usize, OpenError> {
    let database = storage::open(config).await?;
    let applied = apply_pending(&database, config.migrates, now).await;
    database.close().await;
    applied.map_err(OpenError::Migrate)
}

/// Whether a store would open a database with these migrations, after it applied those that are pending.
///
/// # Errors
/// [`MigrateError::Changed`] or [`MigrateError::Newer`].
pub fn check_migrations(migrations: &[MigrationStatus]) -> Result<(), MigrateError> {
    let last = migrations.iter().rfind(|migration| migration.state != MigrationState::Pending);
    let changed = migrations.iter().find(|migration| migration.state == MigrationState::Changed);
    match (changed, last) {
        (Some(changed), _) => Err(MigrateError::Changed { name: changed.name.clone() }),
        (None, Some(last)) if last.state == MigrationState::Unknown => {
            Err(MigrateError::Newer { name: last.name.clone(), supported: last_name() })
        }
        (None, Some(_) | None) => Ok(()),
    }
}

/// Refuses a database that lacks migrations.
pub(crate) fn check_none_pending(migrations: &[MigrationStatus]) -> Result<(), MigrateError> {
    match migrations.iter().filter(|migration| migration.state == MigrationState::Pending).count() {
        0 => Ok(()),
        pending => Err(MigrateError::Behind { pending, name: last_name() }),
    }
}

pub(crate) async fn read(database: &Database) -> Result<Vec<MigrationStatus>, Error> {
    let mut reader = database.reader(Operation::Other).await?;
    let mut tx = reader.begin().await?;
    let table = tx.backend().pick(
        "SELECT COUNT(*) AS count FROM sqlite_schema WHERE name = 'schema_migrations'",
        "SELECT COUNT(to_regclass('schema_migrations')) AS count",
    );
    let rows = match tx.count(sql!(table)).await? {
        0 => Vec::new(),
        _ => applied_rows(&mut tx).await?,
    };
    compare(&rows, tx.backend())
}

/// Applies pending migrations, or refuses the database if there are any and `migrates` is false.
pub(crate) async fn apply_pending(
    database: &Database,
    migrates: bool,
    now: Timestamp,
) -> Result<usize, MigrateError> {
    let started = Instant::now();
    let mut writer = database.writer(Operation::Other).await?;
    let mut tx = writer.begin().await?;
    if tx.backend() == Backend::Postgres {
        tx.set_reply_timeout(TIMEOUT);
        tx.script(LOCK).await?;
    }
    tx.script(TABLE).await?;
    let rows = applied_rows(&mut tx).await?;
    check_migrations(&compare(&rows, tx.backend())?)?;
    let pending = MIGRATIONS.get(rows.len()..).unwrap_or_default();
    if !migrates && !pending.is_empty() {
        // Without a commit, not even the table of migrations is created.
        return Err(MigrateError::Behind { pending: pending.len(), name: last_name() });
    }
    for migration in pending {
        tracing::info!(migration = migration.name, "applying schema migration");
        let step = |source| MigrateError::Step { name: migration.name, source };
        apply(&mut tx, migration, now).await.map_err(step)?;
    }
    tx.commit().await?;
    if !pending.is_empty() {
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(
            migrations = pending.len(),
            schema = last_name(),
            duration_ms,
            "schema migrations applied"
        );
    }
    Ok(pending.len())
}

fn last_name() -> &'static str {
    MIGRATIONS.last().map_or("", |last| last.name)
}

async fn applied_rows(tx: &mut Transaction<'_>) -> Result<Vec<Row>, Error> {
    tx.fetch_all(sql!("SELECT version, name, sha256, applied_at FROM schema_migrations ORDER BY version"))
        .await
}

/// The applied migrations beside ours.
fn compare(rows: &[Row], backend: Backend) -> Result<Vec<MigrationStatus>, Error> {
    let applied = rows.iter().enumerate().map(|(index, row)| {
        let state = match MIGRATIONS.get(index) {
            None => MigrationState::Unknown,
            Some(ours) if ours.sha256(backend) == row.text("sha256")? => MigrationState::Applied,
            Some(_) => MigrationState::Changed,
        };
        let (version, name) = (row.int("version")?, row.text("name")?);
        Ok(MigrationStatus { version, name, state, applied_at: Some(row.time("applied_at")?) })
    });
    let pending = MIGRATIONS.iter().skip(rows.len()).map(|&Migration { version, name, .. }| {
        Ok(MigrationStatus {
            version,
            name: name.to_owned(),
            state: MigrationState::Pending,
            applied_at: None,
        })
    });
    applied.chain(pending).collect()
}

async fn apply(tx: &mut Transaction<'_>, migration: &Migration, now: Timestamp) -> Result<(), Error> {
    let insert = "INSERT INTO schema_migrations (version, name, sha256, applied_at) VALUES ($1, $2, $3, $4)";
    let sha256 = migration.sha256(tx.backend());
    tx.script(migration.text(tx.backend())).await?;
    tx.execute(sql!(insert, migration.version, migration.name, sha256, now)).await?;
    Ok(())
}

impl Migration {
    fn text(&self, backend: Backend) -> &'static str {
        backend.pick(self.sqlite, self.postgres)
    }

    fn sha256(&self, backend: Backend) -> String {
        hex::encode(Sha256::digest(self.text(backend)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::url::DatabaseUrl;

    /// Written by the first migration's program: one execution counted twice, a split, a close and a currency.
    const ROWS: &str = "INSERT INTO fills (account, symbol, id, kind, quantity, status, at) VALUES \
        ('alpaca:a1', 'AAPL', 'alpaca:e1', 'fill', '1', 'counted', 1), \
        ('alpaca:a2', 'AAPL', 'alpaca:e1', 'fill', '1', 'busted', 1), \
        ('alpaca:a1', 'MSFT', 'alpaca:e1', 'fill', '1', 'counted', 1), \
        ('alpaca:a2', 'AAPL', 'alpaca:e2', 'fill', '1', 'counted', 1), \
        ('alpaca:a1', 'AAPL', 'alpaca:s1', 'split', '9', 'counted', 2); \
        INSERT INTO prices (asset, price, at) VALUES ('AAPL', '9', 1), ('currency/USDC', '1', 1)";

    async fn check(url: &str) {
        let config = StoreConfig::new(url.parse::<DatabaseUrl>().unwrap());
        let database = Database::open(&config).await.unwrap();
        let mut writer = database.writer(Operation::Other).await.unwrap();
        let mut tx = writer.begin().await.unwrap();
        tx.script(TABLE).await.unwrap();
        apply(&mut tx, &MIGRATIONS[0], Timestamp::UNIX_EPOCH).await.unwrap();
        tx.script(ROWS).await.unwrap();
        apply(&mut tx, &MIGRATIONS[1], Timestamp::UNIX_EPOCH).await.unwrap();
        let select = "SELECT account || symbol || id || status AS line FROM fills WHERE status <> 'counted' \
            OR quantity_before IS NOT NULL UNION SELECT asset FROM prices ORDER BY 1";
        let rows = tx.fetch_all(sql!(select)).await.unwrap();
        let lines: Vec<String> = rows.iter().map(|row| row.text("line").unwrap()).collect();
        let expected = ["alpaca:a1MSFTalpaca:e1parked", "alpaca:a2AAPLalpaca:e1parked", "currency/USDC"];
        assert_eq!(lines, expected);
    }

    /// A review, a dead letter, and events with reasons: one that a person must book, and one that has no effect.
    const WAITING: &str = "INSERT INTO reviews (subject, kind, about, at, opened_at) VALUES \
        ('cash/alpaca:c1', 'repeated_entry', 'alpaca:c1', 1, 2); \
        INSERT INTO cash_entries (id, account, last_at, stash_ratio) VALUES ('alpaca:c1', 'alpaca:a1', 1, '0'); \
        INSERT INTO webhook_jobs (event_id, provider, resource, cause, state, next_at, created_at, finished_at, last_error) \
            VALUES (1, 'alpaca', 'r', 'received', 'dead', 1, 1, 3, 'broken'), \
            (2, 'alpaca', 'r', 'received', 'unhandled', 1, 1, 4, 'a card payment is not posted automatically: review it'), \
            (3, 'alpaca', 'r', 'received', 'unhandled', 1, 1, 5, 'a status has no effect on the ledger'), \
            (4, 'alpaca', 'r', 'received', 'unhandled', 1, 1, 6, 'unsupported currency'), \
            (4, 'alpaca', 'r', 'replay', 'done', 1, 1, 7, NULL)";

    const EVENT: &str = "INSERT INTO webhook_events (provider, channel, transport, event_type, resource, dedupe_key, key_id, \
        received_at, headers, body, body_sha256) VALUES ('alpaca', 'alpaca/nta', 'webhook', 't', 'r', $1, 'k', 1, '', $2, $2)";

    async fn check_reviews(url: &str) {
        let config = StoreConfig::new(url.parse::<DatabaseUrl>().unwrap());
        let database = Database::open(&config).await.unwrap();
        let mut writer = database.writer(Operation::Other).await.unwrap();
        let mut tx = writer.begin().await.unwrap();
        tx.script(TABLE).await.unwrap();
        let journals = MIGRATIONS.iter().position(|migration| migration.version == 4).unwrap();
        for migration in &MIGRATIONS[..journals] {
            apply(&mut tx, migration, Timestamp::UNIX_EPOCH).await.unwrap();
        }
        for key in ["1", "2", "3", "4"] {
            tx.execute(sql!(EVENT, key, vec![0_u8])).await.unwrap();
        }
        tx.script(WAITING).await.unwrap();
        apply(&mut tx, &MIGRATIONS[journals], Timestamp::UNIX_EPOCH).await.unwrap();
        let select = "SELECT id || ' ' || kind || ' ' || about || ' ' || COALESCE(account, '') || ' ' || opened_at AS line \
            FROM reviews ORDER BY id";
        let rows = tx.fetch_all(sql!(select)).await.unwrap();
        let lines: Vec<String> = rows.iter().map(|row| row.text("line").unwrap()).collect();
        assert_eq!(lines, ["1 repeated_entry alpaca:c1 alpaca:a1 2", "2 dead_letter 1  3", "3 by_hand 2  4"]);
    }

    #[tokio::test]
    async fn the_migration_of_journals_makes_reviews_of_what_waits() {
        let directory = tempfile::tempdir().unwrap();
        check_reviews(&format!("sqlite:{}", directory.path().join("1.db").display())).await;
        let cluster = test_postgres::Postgres::start();
        check_reviews(&cluster.create_database("reviews")).await;
    }

    #[tokio::test]
    async fn the_second_migration_parks_repeated_executions_and_drops_old_prices() {
        let directory = tempfile::tempdir().unwrap();
        check(&format!("sqlite:{}", directory.path().join("1.db").display())).await;
        let cluster = test_postgres::Postgres::start();
        check(&cluster.create_database("books")).await;
    }
}
