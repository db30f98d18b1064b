//! Opens a store: migrations, the head of the audit chain, the identity of the database, and proofs of rows from before.

use std::sync::Arc;

use jiff::Timestamp;

use crate::config::StoreConfig;
use crate::database::{Database, Operation};
use crate::error::{Error, OpenError};
use crate::standby::Standby;
use crate::storage::{self, StorageState};
use crate::store::Store;
use crate::{check, ledger, migrations};

impl Store {
    /// Opens the database, applies missing migrations, and checks the head of the audit chain. Must be called within a
    /// Tokio runtime.
    ///
    /// # Errors
    /// [`OpenError`]; no change was made.
    pub async fn open(config: StoreConfig, key: audit::Key, now: Timestamp) -> Result<Self, OpenError> {
        let standby = Standby::new(&config)?;
        let database = Arc::new(storage::open(&config).await?);
        let state = match prepare(&database, &config, &key, now).await {
            Ok(state) => state,
            Err(error) => {
                database.close().await;
                return Err(error);
            }
        };
        Ok(Self::new(database, &config, key, state, standby))
    }

    /// Opens a database to look at it, even one that the server would refuse because it was replaced. Neither the database nor
    /// the checkpoint file is changed.
    ///
    /// # Errors
    /// [`OpenError`], as of a log that may be that of another database.
    pub async fn open_to_verify(config: StoreConfig, key: audit::Key) -> Result<Self, OpenError> {
        let database = Arc::new(storage::open_any(&config).await?);
        let config = StoreConfig { checkpoint: None, ..config };
        match check::check_current(&database, &key).await {
            Ok(()) => Ok(Self::new(database, &config, key, StorageState::default(), None)),
            Err(error) => {
                database.close().await;
                Err(error)
            }
        }
    }
}

async fn prepare(
    database: &Database,
    config: &StoreConfig,
    key: &audit::Key,
    now: Timestamp,
) -> Result<StorageState, OpenError> {
    migrations::apply_pending(database, config.migrates, now).await.map_err(OpenError::Migrate)?;
    let state = start(database, key).await.map_err(OpenError::Audit)?;
    ledger::adopt(database, key, now).await.map_err(|error| match error {
        Error::Chain(error) => OpenError::Unproved(error),
        error => OpenError::Audit(error),
    })?;
    Ok(state)
}

async fn start(database: &Database, key: &audit::Key) -> Result<StorageState, Error> {
    let mut writer = database.writer(Operation::Other).await?;
    let mut tx = writer.begin().await?;
    storage::start(&mut tx, key).await?;
    tx.commit().await?;
    drop(writer);
    database.write_back().await?;
    storage::load(database).await
}
