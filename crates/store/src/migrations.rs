//! Migrations of the schema, which run when the store is opened.
//!
//! All missing migrations run in one transaction, while other processes wait. The store is not opened if a migration fails,
//! if the text of an applied migration has changed, or if the database is ahead of this program.

use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::database::{Backend, Database, Transaction, sql};
use crate::error::{Error, MigrateError};

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
const MIGRATIONS: &[Migration] = &[migration!(1, "0001_initial")];

const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    version BIGINT PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at BIGINT NOT NULL)";

/// Timeout of all migrations together, for large tables.
const TIMEOUT: Duration = Duration::from_mins(10);

/// Lock of processes that migrate one Postgres database; the number is arbitrary.
const LOCK: &str = "SET LOCAL statement_timeout = '10min'; SET LOCAL lock_timeout = '2min'; SELECT pg_advisory_xact_lock(4211500170)";

/// Applies missing migrations, or refuses the database if there are any and `migrates` is false.
pub(crate) async fn migrate(database: &Database, migrates: bool, now: Timestamp) -> Result<(), MigrateError> {
    let mut writer = database.writer().await?;
    let mut tx = writer.begin().await?;
    if tx.backend() == Backend::Postgres {
        tx.set_reply_timeout(TIMEOUT);
        tx.script(LOCK).await?;
    }
    tx.script(TABLE).await?;
    let version = check_applied(&mut tx).await?;
    let missing: Vec<_> = MIGRATIONS.iter().filter(|migration| migration.version > version).collect();
    if !migrates && !missing.is_empty() {
        // Without a commit, not even the table of migrations is created.
        return Err(MigrateError::Behind { version, supported: last_version() });
    }
    for migration in missing {
        let step = |source| MigrateError::Step { name: migration.name, source };
        apply(&mut tx, migration, now).await.map_err(step)?;
    }
    tx.commit().await?;
    Ok(())
}

fn last_version() -> i64 {
    MIGRATIONS.last().map_or(0, |last| last.version)
}

/// Compares the applied migrations with ours; returns the version of the last one, 0 if there is none.
async fn check_applied(tx: &mut Transaction<'_>) -> Result<i64, MigrateError> {
    let rows = tx.fetch_all(sql!("SELECT version, sha256 FROM schema_migrations ORDER BY version")).await?;
    let version = rows.last().map_or(Ok(0), |last| last.int("version"))?;
    for (row, migration) in rows.iter().zip(MIGRATIONS) {
        if row.text("sha256")? != migration.sha256(tx.backend()) {
            return Err(MigrateError::Changed { name: migration.name });
        }
    }
    if version > last_version() {
        return Err(MigrateError::Newer { version, supported: last_version() });
    }
    Ok(version)
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
