//! Checks whether a database can be opened. It creates nothing, and changes nothing.

use std::path::Path;

use rustix::fs::{Access, AtFlags, CWD};

use crate::chain;
use crate::config::StoreConfig;
use crate::database::{Database, Operation, sql};
use crate::error::{Error, LocationError, OpenError};
use crate::migrations::{self, MigrationState};
use crate::storage;

/// Checks whether [`Store::open`](crate::Store::open) would open this database with this key; `None` is a key that is yet to
/// be generated. A server is connected to, and a file that does not exist is checked for whether it can be created.
///
/// # Errors
/// The error that opening it would have.
pub async fn check_open(config: &StoreConfig, key: Option<&audit::Key>) -> Result<(), OpenError> {
    if let Some(file) = config.url.sqlite_file() {
        check_location(file)?;
        let has_checkpoint = config.checkpoint.as_ref().is_some_and(|checkpoint| checkpoint.exists());
        if !file.exists() && !has_checkpoint {
            return Ok(());
        }
    }
    let database = storage::open(config).await?;
    let checked = check_content(&database, key).await;
    database.close().await;
    checked
}

/// Whether the database has or had an API key. Nothing is created.
///
/// # Errors
/// It cannot be read.
pub async fn has_api_keys(config: &StoreConfig) -> Result<bool, OpenError> {
    if config.url.sqlite_file().is_some_and(|file| !file.exists()) {
        return Ok(false);
    }
    let database = storage::open(config).await?;
    let found = find_api_key(&database).await;
    database.close().await;
    found.map_err(|error| OpenError::Migrate(error.into()))
}

async fn find_api_key(database: &Database) -> Result<bool, Error> {
    let is_applied = |migration: &migrations::MigrationStatus| migration.state == MigrationState::Applied;
    let applied = migrations::read(database).await?.into_iter().filter(is_applied);
    if applied.map(|migration| migration.version).max() < Some(crate::api_keys::SINCE_MIGRATION) {
        return Ok(false);
    }
    let mut reader = database.reader(Operation::CheckStorage).await?;
    Ok(reader.begin().await?.fetch_optional(sql!("SELECT id FROM api_keys LIMIT 1")).await?.is_some())
}

async fn check_content(database: &Database, key: Option<&audit::Key>) -> Result<(), OpenError> {
    let migrations = migrations::read(database).await.map_err(|error| OpenError::Migrate(error.into()))?;
    migrations::check_migrations(&migrations).map_err(OpenError::Migrate)?;
    if migrations.iter().all(|migration| migration.state == MigrationState::Pending) {
        return Ok(());
    }
    let checked: Result<bool, Error> = async {
        let mut reader = database.reader(Operation::CheckStorage).await?;
        chain::check(&mut reader.begin().await?, key).await
    }
    .await;
    checked.map(drop).map_err(OpenError::Audit)
}

/// Checks that the schema is that of this program, and that the head of the audit chain is authentic.
pub(crate) async fn check_current(database: &Database, key: &audit::Key) -> Result<(), OpenError> {
    let migrations = migrations::read(database).await.map_err(|error| OpenError::Migrate(error.into()))?;
    migrations::check_none_pending(&migrations).map_err(OpenError::Migrate)?;
    check_content(database, Some(key)).await
}

/// The directory of the file, or the first that exists above it, must be writable.
fn check_location(file: &Path) -> Result<(), LocationError> {
    let above =
        file.ancestors().skip(1).map(|path| if path.as_os_str().is_empty() { Path::new(".") } else { path });
    let Some(directory) = above.into_iter().find(|path| path.symlink_metadata().is_ok()) else {
        return Ok(());
    };
    let (file, directory) = (file.to_owned(), directory.to_owned());
    if !directory.is_dir() {
        return Err(LocationError::NotDirectory { file, directory });
    }
    let writable =
        rustix::fs::accessat(CWD, &directory, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS);
    writable.map_err(|cause| LocationError::NotWritable { file, directory, cause: cause.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;

    const NOW: jiff::Timestamp = jiff::Timestamp::UNIX_EPOCH;

    fn key(byte: u8) -> audit::Key {
        audit::Key::new(&[byte; 32]).unwrap()
    }

    #[tokio::test]
    async fn a_check_and_an_opening_agree_and_the_check_creates_nothing() {
        let around = tempfile::tempdir().unwrap();
        let path = around.path().join("a/b/x.db");
        let config = StoreConfig::new(format!("sqlite:{}", path.display()).parse().unwrap());
        for created in [None, Some(&key(1))] {
            check_open(&config, created).await.unwrap();
        }
        assert_eq!(std::fs::read_dir(around.path()).unwrap().count(), 0);

        Store::open(config.clone(), key(1), NOW).await.unwrap().close().await;
        check_open(&config, Some(&key(1))).await.unwrap();
        check_open(&config, Some(&key(2).and_older(&[1; 32]).unwrap())).await.unwrap();
        for wrong in [None, Some(&key(2))] {
            let error = check_open(&config, wrong).await.unwrap_err();
            assert!(
                matches!(error, OpenError::Audit(Error::Chain(audit::ChainError::UnknownKey { .. }))),
                "{error}"
            );
        }
        assert!(Store::open(config.clone(), key(2), NOW).await.is_err());

        std::fs::write(&path, "not a database, but a text that is longer than a header").unwrap();
        assert!(check_open(&config, Some(&key(1))).await.is_err());
    }

    #[tokio::test]
    async fn a_server_that_cannot_be_used_is_named_with_the_cause_and_without_the_password() {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let silent = format!("{}/c", silent.local_addr().unwrap());
        for (server, cause) in [
            ("127.0.0.1:1/c", "refused"),
            ("host.invalid:1/c", "lookup"),
            (&*silent, "timed out"),
            (
                "127.0.0.1:1/c?sslmode=verify-ca&sslrootcert=/nx",
                "sslrootcert in the postgres:// URL names /nx",
            ),
        ] {
            let mut config = StoreConfig::new(format!("postgres://a:p4ssw0rd@{server}").parse().unwrap());
            config.connect_timeout = std::time::Duration::from_millis(50);
            let error = check_open(&config, None).await.unwrap_err();
            let message = telemetry::with_causes(&error);
            assert!(message.contains(cause) && !message.contains("p4ssw0rd"), "{message}");
            assert!(matches!(error, OpenError::Url(_)) || message.contains(server), "{message}");
        }
    }

    #[tokio::test]
    async fn a_place_where_no_file_can_be_created_is_named() {
        let around = tempfile::tempdir().unwrap();
        std::fs::write(around.path().join("file"), "").unwrap();
        let url = format!("sqlite:{}/file/data/x.db", around.path().display());
        let error = check_open(&StoreConfig::new(url.parse().unwrap()), None).await.unwrap_err().to_string();
        assert!(error.contains("file is not a directory") && error.contains("DATABASE_URL"), "{error}");
        // Root may write everywhere.
        if !rustix::process::geteuid().is_root() {
            let error = check_location(Path::new("/data/x.db")).unwrap_err().to_string();
            assert!(
                error.contains("directory / is not writable") && error.contains("DATABASE_URL"),
                "{error}"
            );
        }
    }
}
