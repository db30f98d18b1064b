//! The store.

use std::sync::Arc;

use audit::Entry;
use jiff::{SignedDuration, Timestamp};
use telemetry::metrics::QueryDurations;
use webhooks::Delivery;

use crate::audit_key::{AuditKeyError, SharedKey};
use crate::chain;
use crate::config::StoreConfig;
use crate::database::{ConnectionUse, Database, Operation, Reader, Row, Statement, Transaction, sql};
use crate::error::Error;
use crate::inbox::{Cursor, Inbox, NewEvent, Receipt, ReceiveError};
use crate::standby::Standby;
use crate::storage::{StorageCheck, StorageState};
use crate::unknown_channels::UnknownChannels;
use crate::url::{DatabaseUrl, UrlError};

/// The database of the server. Clones share one database.
#[derive(Clone)]
pub struct Store {
    pub(crate) shared: Arc<Shared>,
    /// Books are read from the standby if it has everything until then.
    pub(crate) standby_as_of: Option<Timestamp>,
}

pub(crate) struct Shared {
    pub(crate) database: Arc<Database>,
    pub(crate) key: SharedKey,
    pub(crate) unknown_channels: UnknownChannels,
    pub(crate) storage: StorageCheck,
    pub(crate) standby: Option<Standby>,
    inbox: Inbox,
}

impl Store {
    pub(crate) fn new(
        database: Arc<Database>,
        config: &StoreConfig,
        key: audit::Key,
        state: StorageState,
        standby: Option<Standby>,
    ) -> Self {
        let storage = StorageCheck::new(config, state);
        let key = SharedKey::new(key);
        let inbox = Inbox::start(database.clone(), key.clone(), config.queue_deliveries);
        let unknown_channels = UnknownChannels::default();
        let shared = Shared { database, key, unknown_channels, storage, standby, inbox };
        Self { shared: Arc::new(shared), standby_as_of: None }
    }

    /// Stores a delivery. When this returns a receipt, the delivery is durable.
    ///
    /// # Errors
    /// [`ReceiveError`]; the sender should send the delivery again.
    pub async fn receive(&self, delivery: &Delivery, now: Timestamp) -> Result<Receipt, ReceiveError> {
        self.shared.inbox.receive(NewEvent::new(delivery, now), None).await
    }

    /// Stores a delivery that was read from a stream, together with the stream's position.
    ///
    /// # Errors
    /// [`ReceiveError`]; delivery and position may not be stored.
    pub async fn receive_from_stream(
        &self,
        delivery: &Delivery,
        cursor: Cursor,
        now: Timestamp,
    ) -> Result<Receipt, ReceiveError> {
        self.shared.inbox.receive(NewEvent::new(delivery, now), Some(cursor)).await
    }

    /// Number of deliveries that wait to be stored.
    #[must_use]
    pub fn queued_deliveries(&self) -> usize {
        self.shared.inbox.queued()
    }

    /// The stored position of a stream; `None` if there is none.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn cursor(&self, stream: &str) -> Result<Option<String>, Error> {
        let rows = self
            .read(Operation::Other, sql!("SELECT position FROM stream_cursors WHERE stream = $1", stream))
            .await?;
        rows.first().map(|row| row.text("position")).transpose()
    }

    /// Checks that the database is the one that was opened, has what it had before, and keeps what it acknowledges; then
    /// records its state in the checkpoint file. After a fault nothing is read or written until the store is opened again. Call
    /// it more than once a second.
    ///
    /// # Errors
    /// [`Error::Storage`], and other errors if the database or the checkpoint file cannot be read or written.
    pub async fn check_storage(&self) -> Result<(), Error> {
        self.shared.storage.check(&self.shared.database).await
    }

    /// Sets the URL of new connections, for a rotated password. Open connections stay.
    ///
    /// # Errors
    /// [`UrlError::OtherDatabase`] for another kind of database, or another file.
    pub fn set_url(&self, url: &DatabaseUrl) -> Result<(), UrlError> {
        self.shared.database.set_url(url)?;
        if let Some(standby) = &self.shared.standby {
            standby.set_url(url);
        }
        Ok(())
    }

    /// The id of the key that new entries of the audit chain are authenticated with.
    #[must_use]
    pub fn audit_key_id(&self) -> audit::KeyId {
        self.shared.key.load().id()
    }

    /// How often the audit key was replaced: what was not authentic may be now.
    #[must_use]
    pub fn audit_key_changes(&self) -> u64 {
        self.shared.key.changes()
    }

    /// Replaces the audit key, for a rotation.
    ///
    /// # Errors
    /// [`AuditKeyError::OlderKeyMissing`]; the key in use does not change.
    pub fn set_audit_key(&self, key: audit::Key) -> Result<(), AuditKeyError> {
        self.shared.key.replace(key)
    }

    /// Stores the queued deliveries, refuses further ones, and closes the connections.
    pub async fn close(&self) {
        self.shared.inbox.close().await;
        self.shared.storage.record_last(&self.shared.database).await;
        self.shared.database.close().await;
        if let Some(standby) = &self.shared.standby {
            standby.close().await;
        }
    }

    /// The connections to the database at this moment.
    #[must_use]
    pub fn connection_use(&self) -> ConnectionUse {
        self.shared.database.connection_use()
    }

    /// The times of transactions by what they are for.
    #[must_use]
    pub fn query_durations(&self) -> &QueryDurations {
        self.shared.database.durations()
    }

    /// Whether there is a standby.
    #[must_use]
    pub fn has_standby(&self) -> bool {
        self.shared.standby.is_some()
    }

    /// Asks the standby what it has, by the newest [heartbeat](Self::write_heartbeat) there. Returns how far it is behind at `now`; `None`
    /// if there is no standby, or it has no heartbeat yet. Call it more than once a second.
    ///
    /// # Errors
    /// [`Error::Standby`] for that of another database, and errors of the connection: the standby is not read.
    pub async fn check_standby(&self, now: Timestamp) -> Result<Option<SignedDuration>, Error> {
        let Some(standby) = &self.shared.standby else { return Ok(None) };
        standby.check(self.shared.storage.identity(), now).await
    }

    /// A store that reads books from the standby, and until when the standby has everything; `None` if there is none that may be
    /// read at `now`.
    #[must_use]
    pub fn on_standby(&self, now: Timestamp) -> Option<(Self, Timestamp)> {
        let as_of = self.shared.standby.as_ref()?.as_of(now, self.shared.storage.is_down())?;
        Some((Self { standby_as_of: Some(as_of), ..self.clone() }, as_of))
    }

    /// A connection for reading books.
    pub(crate) async fn book_reader(&self, operation: Operation) -> Result<Reader, Error> {
        if let (Some(standby), Some(as_of)) = (&self.shared.standby, self.standby_as_of)
            && let Some(session) = standby.session(self.shared.storage.identity(), as_of).await
        {
            self.shared.database.check_files()?;
            return Ok(self.shared.database.reader_on(session, operation));
        }
        self.shared.database.reader(operation).await
    }

    /// The rows of one statement, in a separate transaction.
    pub(crate) async fn read(&self, operation: Operation, statement: Statement) -> Result<Vec<Row>, Error> {
        self.shared.database.reader(operation).await?.begin().await?.fetch_all(statement).await
    }

    /// Commits a transaction together with its audit entry.
    pub(crate) async fn commit(&self, mut tx: Transaction<'_>, entry: Entry) -> Result<(), Error> {
        let database = &self.shared.database;
        let head = chain::append_to(database, &mut tx, &self.shared.key.load(), None, entry).await?;
        tx.commit().await?;
        database.note_committed(head);
        Ok(())
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Store").finish_non_exhaustive()
    }
}
