//! Notices that the database is not the one in which deliveries were acknowledged: that it was removed, or replaced by an older
//! copy or by another one. From then on nothing is acknowledged or written.
//!
//! A database has an identity and an epoch. A checkpoint file outside of it has both, and an entry of the audit chain that the
//! database must have. Beside an SQLite database, three more things are watched: its files by their numbers, because a
//! connection to a removed file goes on without an error; and identity and head in the file itself, without the log (`-wal`),
//! because pages in the log hide that the file was overwritten.

pub(crate) mod checkpoint;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use audit::StoredHead;
use serde::{Deserialize, Serialize};

use crate::chain;
use crate::config::StoreConfig;
use crate::database::{Database, Operation, Transaction, sql};
use crate::error::{Error, OpenError, Retry};
use crate::storage_fault::StorageFault;

/// Pause before a file that seems to be overwritten is read again: a page may be read while it is written.
const REREAD_AFTER: Duration = Duration::from_millis(50);
const REREADS: usize = 2;
/// Time without a check that passed after which the database is taken for down.
const DOWN_AFTER: Duration = Duration::from_secs(2);

const IDENTITY: &str = "SELECT i.identity, i.epoch, h.sequence, h.hash FROM store_identity i, audit_head h \
    WHERE i.id = 1 AND h.id = 1";
const CREATE: &str =
    "INSERT INTO store_identity (id, identity, epoch) VALUES (1, $1, 1) ON CONFLICT DO NOTHING";

/// The state of a database, as the checkpoint file has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageState {
    /// 32 hexadecimal digits that no other database has.
    pub identity: String,
    /// How often an operator has accepted another state of the database, plus 1.
    pub epoch: u64,
    /// Number of the last entry of the audit chain.
    pub sequence: u64,
    /// The hash of that entry, in hexadecimal digits.
    pub hash: String,
    /// The same number in an SQLite file without its log; `None` if the chain is in the log only.
    pub file_sequence: Option<u64>,
}

/// The last state that this process has seen.
pub(crate) struct StorageCheck {
    checkpoint: Option<PathBuf>,
    identity: String,
    seen: tokio::sync::Mutex<Seen>,
    /// When the database was last what it should be.
    passed_at: Mutex<Instant>,
}

struct Seen {
    state: StorageState,
    /// The state in the checkpoint file.
    recorded: Option<StorageState>,
}

impl StorageCheck {
    pub(crate) fn new(config: &StoreConfig, state: StorageState) -> Self {
        let (checkpoint, identity) = (config.checkpoint.clone(), state.identity.clone());
        let seen = tokio::sync::Mutex::new(Seen { state, recorded: None });
        Self { checkpoint, identity, seen, passed_at: Mutex::new(Instant::now()) }
    }

    /// The identity of the database.
    pub(crate) fn identity(&self) -> &str {
        &self.identity
    }

    /// Whether the database has not responded for some time.
    pub(crate) fn is_down(&self) -> bool {
        self.passed_at.lock().unwrap_or_else(PoisonError::into_inner).elapsed() > DOWN_AFTER
    }

    /// Checks the database, and records its state. After a fault it is not used any more.
    pub(crate) async fn check(&self, database: &Database) -> Result<(), Error> {
        let checked = self.try_check(database).await;
        checked.map_err(|error| if let Error::Storage(fault) = error { database.fail(fault) } else { error })
    }

    async fn try_check(&self, database: &Database) -> Result<(), Error> {
        let mut seen = self.seen.lock().await;
        if let Some(setting) = database.lossy_setting().await? {
            return Err(StorageFault::NotDurable { setting }.into());
        }
        let committed = database.committed();
        let mut state = follow(database, &seen.state, committed).await?;
        if state.epoch > seen.state.epoch {
            database.forget_committed();
        }
        state.file_sequence = follow_file(database, &seen.state).await?;
        let recorded = seen.recorded.as_ref().and_then(|recorded| recorded.file_sequence);
        if self.checkpoint.is_some() && state.file_sequence != recorded {
            // What was read may be in the memory of the system only: after a power failure the file would be behind it.
            database.sync_file().await?;
        }
        seen.state = state;
        *self.passed_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        if let Some(path) = self.checkpoint.clone().filter(|_| seen.recorded.as_ref() != Some(&seen.state)) {
            checkpoint::write(path, seen.state.clone()).await?;
            seen.recorded = Some(seen.state.clone());
        }
        Ok(())
    }

    /// Records the last state, if this process records it.
    pub(crate) async fn record_last(&self, database: &Database) {
        let is_recording = self.seen.lock().await.recorded.is_some();
        if is_recording && let Err(error) = self.check(database).await {
            tracing::warn!(%error, "recording the state of the database failed");
        }
    }
}

/// Opens a database if it is that of the checkpoint file. Nothing is written before that is known.
pub(crate) async fn open(config: &StoreConfig) -> Result<Database, OpenError> {
    let expected = config.checkpoint.as_deref().map(checkpoint::read).transpose()?.flatten();
    let Some(expected) = expected else { return Database::open(config).await };
    if let Some(path) = config.url.sqlite_file() {
        if !path.exists() {
            return Err(StorageFault::Missing { path: path.to_owned() }.into());
        }
        // After a crash, a page in the file may be damaged until SQLite writes it again from the log.
        if let Ok(found) = read_file(path).await {
            check_file(&expected, found.as_ref())?;
        }
    }
    let database = Database::open(config).await?;
    match follow(&database, &expected, None).await {
        Ok(_) => Ok(database),
        Err(error) => {
            let error = match error {
                Error::Storage(fault) => database.fail(fault),
                error => error,
            };
            database.close().await;
            Err(match error {
                Error::Storage(fault) => fault.into(),
                error => OpenError::Audit(error),
            })
        }
    }
}

/// Opens a database even if it is not that of the checkpoint file, unless a log beside it may be that of another one.
pub(crate) async fn open_any(config: &StoreConfig) -> Result<Database, OpenError> {
    match open(config).await {
        Err(OpenError::Storage(fault)) if !matches!(fault, StorageFault::Missing { .. }) => {
            check_log(config)?;
            Database::open(config).await
        }
        opened => opened,
    }
}

/// The log of the database before would be replayed into this one.
pub(crate) fn check_log(config: &StoreConfig) -> Result<(), OpenError> {
    let Some(database) = config.url.sqlite_file() else { return Ok(()) };
    let log = beside(database, "-wal");
    let bytes = std::fs::metadata(&log).map_or(0, |log| log.len());
    if bytes == 0 { Ok(()) } else { Err(OpenError::ForeignLog { log, index: beside(database, "-shm") }) }
}

fn beside(database: &Path, end: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(end);
    path.into()
}

/// The state of the database and of its file.
pub(crate) async fn load(database: &Database) -> Result<StorageState, Error> {
    let mut reader = database.reader(Operation::CheckStorage).await?;
    let mut state = read(&mut reader.begin().await?).await?.ok_or(StorageFault::OtherDatabase)?;
    if let Some(path) = database.sqlite_path() {
        state.file_sequence = read_file(path).await?.map(|file| file.sequence);
    }
    Ok(state)
}

/// The present state, if it follows an earlier one and has the entry that this process has committed; its `file_sequence` is the
/// earlier one's.
async fn follow(
    database: &Database,
    earlier: &StorageState,
    committed: Option<StoredHead>,
) -> Result<StorageState, Error> {
    let mut reader = database.reader(Operation::CheckStorage).await?;
    let mut tx = reader.begin().await?;
    let Some(found) = read(&mut tx).await? else { return Err(StorageFault::OtherDatabase.into()) };
    if found.identity != earlier.identity {
        return Err(StorageFault::OtherDatabase.into());
    }
    let StorageState { epoch, sequence, ref hash, file_sequence, .. } = *earlier;
    // Another process may have accepted another state.
    if found.epoch < epoch || (found.epoch == epoch && !has_entry(&mut tx, sequence, hash).await?) {
        return Err(StorageFault::OlderCopy { sequence }.into());
    }
    if let Some(StoredHead { sequence, hash, .. }) = committed.filter(|_| found.epoch == epoch)
        && !chain::has_entry(&mut tx, sequence, hash.as_bytes()).await?
    {
        return Err(StorageFault::OlderCopy { sequence }.into());
    }
    Ok(StorageState { file_sequence, ..found })
}

/// A hash that is no hexadecimal number is that of no entry.
async fn has_entry(tx: &mut Transaction<'_>, sequence: u64, hash: &str) -> Result<bool, Error> {
    Ok(sequence == 0 || chain::has_entry(tx, sequence, &hex::decode(hash).unwrap_or_default()).await?)
}

/// `None` of a database without an identity.
pub(crate) async fn read(tx: &mut Transaction<'_>) -> Result<Option<StorageState>, Error> {
    let row = match tx.fetch_optional(sql!(IDENTITY)).await {
        Ok(row) => row,
        // There is no such table.
        Err(error) if error.retry() == Retry::Never || error.is_not_a_database() => None,
        Err(error) => return Err(error),
    };
    let state = |row: crate::database::Row| {
        Ok(StorageState {
            identity: row.text("identity")?,
            epoch: row.number("epoch")?,
            sequence: row.number("sequence")?,
            hash: hex::encode(row.bytes("hash")?),
            file_sequence: None,
        })
    };
    row.map(state).transpose()
}

/// The audit number in the file of an SQLite database, if it follows the earlier one.
async fn follow_file(database: &Database, earlier: &StorageState) -> Result<Option<u64>, Error> {
    let Some(path) = database.sqlite_path() else { return Ok(None) };
    let mut rereads = 0;
    loop {
        let found = async {
            let found = read_file(path).await?;
            check_file(earlier, found.as_ref())?;
            Ok(found.map(|found| found.sequence))
        };
        match found.await {
            Err(_) if rereads < REREADS => rereads += 1,
            found => return found,
        }
        tokio::time::sleep(REREAD_AFTER).await;
    }
}

fn check_file(earlier: &StorageState, found: Option<&StorageState>) -> Result<(), StorageFault> {
    let StorageState { identity, epoch, file_sequence, .. } = earlier;
    match (found, *file_sequence) {
        (None, Some(_)) => Err(StorageFault::OtherDatabase),
        (None, None) => Ok(()),
        (Some(found), _) if found.identity != *identity => Err(StorageFault::OtherDatabase),
        (Some(found), Some(sequence)) if found.epoch <= *epoch && found.sequence < sequence => {
            Err(StorageFault::OlderCopy { sequence })
        }
        (Some(_), _) => Ok(()),
    }
}

/// The state in an SQLite file without its log; `None` if there is none yet.
async fn read_file(path: &Path) -> Result<Option<StorageState>, Error> {
    let mut connection = crate::database::connect_to_file(path).await?;
    let mut tx = Transaction::on_sqlite(sqlx::Connection::begin(&mut connection).await?);
    read(&mut tx).await
}

/// Starts the audit chain of a new database, and gives it an identity.
pub(crate) async fn start(tx: &mut Transaction<'_>, key: &audit::Key) -> Result<(), Error> {
    chain::start(tx, key).await?;
    let mut identity = [0; 16];
    getrandom::fill(&mut identity).map_err(Error::encode)?;
    tx.execute(sql!(CREATE, hex::encode(identity))).await.map(drop)
}
