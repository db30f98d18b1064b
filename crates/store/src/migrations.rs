//! The tables, brought from the form that is there to the form that this program knows, when it starts.
//!
//! All steps that are missing happen in one transaction, which one process runs while others wait. A step that fails, a step
//! whose text has changed since it ran, and a database that is ahead of this program stop the start.

use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::database::{Backend, Database, Transaction, values};
use crate::error::Error;

/// One step: its number, its name, and its text for each database.
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

/// Every step in its order. A step that has been released is never changed; what is wrong with it is mended by a new one.
const MIGRATIONS: &[Migration] =
    &[migration!(1, "0001_inbox"), migration!(2, "0002_ledger"), migration!(3, "0003_circle_keys")];

/// Where it is written which steps have been taken.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    version BIGINT PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at BIGINT NOT NULL)";

/// Longest that all steps may take together: a table may be large.
const PATIENCE: Duration = Duration::from_mins(10);

/// Any number that no one else takes: what processes that migrate one Postgres database wait for each other with.
const LOCK: &str = "SET LOCAL statement_timeout = '10min'; SET LOCAL lock_timeout = '2min'; SELECT pg_advisory_xact_lock(4211500170)";

/// The tables cannot be brought to the form that this program knows.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// A statement failed; nothing was changed.
    #[error("apply {name}; nothing was changed")]
    Step {
        /// Which step.
        name: &'static str,
        /// Why.
        #[source]
        source: Error,
    },
    /// The table of steps taken cannot be read or written.
    #[error("read which migrations have been applied")]
    Table(#[from] Error),
    /// A newer program has been here.
    #[error("the database is at migration {found} and this program knows {known}: start a newer program")]
    Newer {
        /// The database's last step.
        found: i64,
        /// This program's last step.
        known: i64,
    },
    /// An older program was here last, or none, and this one may not change that.
    #[error(
        "the database is at migration {found} and this program knows {known}: the server brings it up to date when it starts; see that DATABASE_URL names the server's database"
    )]
    Behind {
        /// The database's last step.
        found: i64,
        /// This program's last step.
        known: i64,
    },
    /// A step is not the one that was applied.
    #[error("migration {name} is not the text that was applied to this database")]
    Changed {
        /// Which.
        name: &'static str,
    },
}

/// The number of this program's last step.
pub(crate) fn known() -> i64 {
    MIGRATIONS.last().map_or(0, |last| last.version)
}

/// Applies what is missing, or refuses a database that misses something when it may not be changed.
pub(crate) async fn bring_up_to_date(
    database: &Database,
    migrates: bool,
    now: Timestamp,
) -> Result<(), MigrateError> {
    let mut writer = database.writer().await?;
    let mut tx = writer.begin().await?;
    if tx.backend() == Backend::Postgres {
        tx.wait_for(PATIENCE);
        tx.script(LOCK).await?;
    }
    tx.script(TABLE).await?;
    let applied = applied(&mut tx).await?;
    check(&applied, tx.backend())?;
    if !migrates && applied.len() < MIGRATIONS.len() {
        // The transaction is not committed, so that not even the table of steps is made.
        let found = applied.last().map_or(0, |(version, _)| *version);
        return Err(MigrateError::Behind { found, known: known() });
    }
    for migration in MIGRATIONS
        .iter()
        .filter(|migration| !applied.iter().any(|(version, _)| *version == migration.version))
    {
        let step = |source| MigrateError::Step { name: migration.name, source };
        apply(&mut tx, migration, now).await.map_err(step)?;
    }
    tx.commit().await?;
    Ok(())
}

/// The steps taken, with the hashes of their texts.
async fn applied(tx: &mut Transaction<'_>) -> Result<Vec<(i64, String)>, Error> {
    let rows = tx.rows("SELECT version, sha256 FROM schema_migrations ORDER BY version", values![]).await?;
    rows.iter().map(|row| Ok((row.int("version")?, row.text("sha256")?))).collect()
}

fn check(applied: &[(i64, String)], backend: Backend) -> Result<(), MigrateError> {
    let (found, known) = (applied.last().map_or(0, |(version, _)| *version), known());
    if found > known {
        return Err(MigrateError::Newer { found, known });
    }
    for (version, sha256) in applied {
        let migration = MIGRATIONS.iter().find(|migration| migration.version == *version);
        let migration = migration.ok_or(MigrateError::Newer { found: *version, known })?;
        if *sha256 != migration.sha256(backend) {
            return Err(MigrateError::Changed { name: migration.name });
        }
    }
    Ok(())
}

async fn apply(tx: &mut Transaction<'_>, migration: &Migration, now: Timestamp) -> Result<(), Error> {
    tx.script(migration.text(tx.backend())).await?;
    let record = "INSERT INTO schema_migrations (version, name, sha256, applied_at) VALUES ($1, $2, $3, $4)";
    let sha256 = migration.sha256(tx.backend());
    tx.execute(record, values![migration.version, migration.name, sha256, now]).await?;
    Ok(())
}

impl Migration {
    fn text(&self, backend: Backend) -> &'static str {
        backend.pick(self.sqlite, self.postgres)
    }

    fn sha256(&self, backend: Backend) -> String {
        crate::hex::lower(&Sha256::digest(self.text(backend)))
    }
}
