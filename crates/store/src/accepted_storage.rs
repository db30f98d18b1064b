//! Accepts the present state of the database after an operator has looked at it.

use std::io::ErrorKind;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::actor::Actor;
use crate::chain;
use crate::config::StoreConfig;
use crate::database::{Database, Operation, sql};
use crate::error::{Error, OpenError};
use crate::migrations;
use crate::storage::{self, StorageState, checkpoint, load};

const ACCEPT: &str = "UPDATE store_identity SET epoch = $1 WHERE id = 1";

/// The outcome of [`accept_storage`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AcceptedStorage {
    /// The state that the checkpoint file had; `None` if there was no such file, or a damaged one.
    pub before: Option<StorageState>,
    /// The present state.
    pub now: StorageState,
    /// Whether the state had to be accepted: the server would not have started.
    pub is_changed: bool,
}

/// Makes the present database the one that the server continues, even if it is another one, an older copy or a new one. The
/// change is an entry of its audit chain. No server may be running.
///
/// # Errors
/// [`OpenError`]; nothing was accepted.
pub async fn accept_storage(
    config: &StoreConfig,
    key: &audit::Key,
    actor: Actor<'_>,
    now: Timestamp,
) -> Result<AcceptedStorage, OpenError> {
    let path = config.checkpoint.as_deref();
    let before = match path.map(checkpoint::read).transpose() {
        Err(OpenError::Checkpoint { path, source }) if is_damaged(&source) => {
            tracing::warn!(path = %path.display(), error = %source, "the checkpoint file is damaged and is replaced");
            None
        }
        before => before?.flatten(),
    };
    match storage::open(config).await {
        Ok(database) => {
            let state = load(&database).await;
            database.close().await;
            let now = state.map_err(OpenError::Audit)?;
            return Ok(AcceptedStorage { before, now, is_changed: false });
        }
        Err(OpenError::Storage(_)) => {}
        Err(OpenError::Checkpoint { source, .. }) if is_damaged(&source) => {}
        Err(error) => return Err(error),
    }
    storage::check_log(config)?;
    let database = Database::open(config).await?;
    let accepted = accept(&database, config, key, actor, before.as_ref(), now).await;
    database.close().await;
    let now = accepted?;
    if let Some(path) = path {
        checkpoint::write(path.to_owned(), now.clone()).await.map_err(OpenError::Audit)?;
    }
    Ok(AcceptedStorage { before, now, is_changed: true })
}

async fn accept(
    database: &Database,
    config: &StoreConfig,
    key: &audit::Key,
    actor: Actor<'_>,
    before: Option<&StorageState>,
    now: Timestamp,
) -> Result<StorageState, OpenError> {
    migrations::apply_pending(database, config.migrates, now).await.map_err(OpenError::Migrate)?;
    let accepted: Result<StorageState, Error> = async {
        let mut writer = database.writer(Operation::CheckStorage).await?;
        let mut tx = writer.begin().await?;
        storage::start(&mut tx, key).await?;
        let Some(found) = storage::read(&mut tx).await? else { return Err(Error::NoHead) };
        let epoch = before.map_or(0, |before| before.epoch).max(found.epoch) + 1;
        tx.execute(sql!(ACCEPT, i64::try_from(epoch).map_err(Error::encode)?)).await?;
        let detail = json!({ "before": before, "epoch": epoch, "found": found });
        let object = format!("storage/{}", found.identity);
        chain::append(&mut tx, key, actor.entry("storage.accept", &object, &detail, now)?).await?;
        tx.commit().await?;
        drop(writer);
        database.write_back().await?;
        load(database).await
    }
    .await;
    accepted.map_err(OpenError::Audit)
}

/// Whether a checkpoint file could be read and is none.
fn is_damaged(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof)
}
