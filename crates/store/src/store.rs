//! The store: one handle on everything that is kept.

use std::sync::Arc;

use jiff::Timestamp;
use webhooks::Delivery;

use crate::chain;
use crate::config::StoreConfig;
use crate::cursors;
use crate::database::Database;
use crate::error::{Error, OpenError};
use crate::inbox::{Cursor, Inbox, Receipt, ReceiveError, Record};
use crate::migrations;
use crate::url::{DatabaseUrl, UrlError};
use crate::work::Strangers;

/// Everything that outlives a request. Clones share one database.
#[derive(Clone)]
pub struct Store {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) database: Arc<Database>,
    pub(crate) key: audit::Key,
    pub(crate) strangers: Strangers,
    inbox: Inbox,
}

impl Store {
    /// Opens the database, brings its tables to the form that this program knows, and checks the head of the audit chain.
    /// Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// [`OpenError`], after which nothing has been changed.
    pub async fn open(config: StoreConfig, key: audit::Key, now: Timestamp) -> Result<Self, OpenError> {
        let database = Arc::new(Database::open(&config).await?);
        migrations::bring_up_to_date(&database, config.migrates, now).await.map_err(OpenError::Migrate)?;
        begin_chain(&database, &key).await.map_err(OpenError::Audit)?;
        let inbox = Inbox::start(database.clone(), key.clone(), config.queue_deliveries);
        Ok(Self { shared: Arc::new(Shared { database, key, strangers: Strangers::default(), inbox }) })
    }

    /// Keeps a delivery. When this returns a receipt, the delivery is on the disk.
    ///
    /// # Errors
    /// [`ReceiveError`], after which the sender is to send it again.
    pub async fn receive(&self, delivery: &Delivery, now: Timestamp) -> Result<Receipt, ReceiveError> {
        self.shared.inbox.receive(Record::new(delivery, now), None).await
    }

    /// Keeps a delivery that was read from a stream, and up to where the stream has been read.
    ///
    /// # Errors
    /// [`ReceiveError`], after which neither is known to be kept.
    pub async fn receive_from_stream(
        &self,
        delivery: &Delivery,
        cursor: Cursor,
        now: Timestamp,
    ) -> Result<Receipt, ReceiveError> {
        self.shared.inbox.receive(Record::new(delivery, now), Some(cursor)).await
    }

    /// How many deliveries wait to be kept.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.inbox.waiting()
    }

    /// Where a stream was left; `None` when it was never read.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn cursor(&self, stream: &str) -> Result<Option<String>, Error> {
        let mut reader = self.shared.database.reader().await?;
        cursors::position(&mut reader.begin().await?, stream).await
    }

    /// Connects with this address from now on; connections that are open stay. For a password that was rotated.
    ///
    /// # Errors
    /// [`UrlError`] when it is the address of another kind of database, or of another file.
    pub fn set_url(&self, url: &DatabaseUrl) -> Result<(), UrlError> {
        self.shared.database.set_url(url)
    }

    /// Keeps what waits to be kept, takes nothing more, and closes the connections.
    pub async fn close(&self) {
        self.shared.inbox.close().await;
        self.shared.database.close().await;
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Store").finish_non_exhaustive()
    }
}

async fn begin_chain(database: &Database, key: &audit::Key) -> Result<(), Error> {
    let mut writer = database.writer().await?;
    let mut tx = writer.begin().await?;
    chain::begin(&mut tx, key).await?;
    tx.commit().await
}
