//! The task that stores queued deliveries in batches.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::batch::{self, BatchWrite, Item};
use super::{Cursor, NewEvent, Receipt, ReceiveError};
use crate::audit_key::SharedKey;
use crate::chain;
use crate::database::{Database, Writer, retry_delays};
use crate::error::{Error, Retry};

/// Most deliveries of one transaction.
const BATCH_MAX: usize = 256;
/// Longest wait of a sender. Providers wait at least ten seconds before they count a delivery as failed.
const REPLY_WITHIN: Duration = Duration::from_secs(6);
/// Time after which a batch is not retried, so that its senders get a reply before they give up.
const RETRY_WITHIN: Duration = Duration::from_secs(4);

/// The queue of deliveries.
pub(crate) struct Inbox {
    queue: mpsc::Sender<Message>,
}

enum Message {
    Store(Box<QueuedDelivery>),
    /// Deliveries before it are stored, later ones are not.
    Close(oneshot::Sender<()>),
}

struct QueuedDelivery {
    event: NewEvent,
    cursor: Option<Cursor>,
    reply: oneshot::Sender<Result<Receipt, ReceiveError>>,
}

/// The point at which a batch failed.
enum BatchError {
    /// Before the commit: no delivery was stored.
    NotCommitted(Error),
    /// During the commit: the deliveries may be stored.
    Unknown(Error),
}

impl Inbox {
    /// Starts the task that stores deliveries. It ends when the inbox is closed or dropped.
    pub(crate) fn start(database: Arc<Database>, key: SharedKey, capacity: usize) -> Self {
        let (queue, deliveries) = mpsc::channel(capacity.max(1));
        drop(tokio::spawn(Batcher { database, key }.run(deliveries)));
        Self { queue }
    }

    pub(crate) async fn receive(
        &self,
        event: NewEvent,
        cursor: Option<Cursor>,
    ) -> Result<Receipt, ReceiveError> {
        let (reply, receipt) = oneshot::channel();
        let message = Message::Store(Box::new(QueuedDelivery { event, cursor, reply }));
        self.queue.try_send(message).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => ReceiveError::Busy,
            mpsc::error::TrySendError::Closed(_) => ReceiveError::Unavailable,
        })?;
        // After a timeout the delivery may still be stored; its next copy is then a duplicate.
        match tokio::time::timeout(REPLY_WITHIN, receipt).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) | Err(_) => Err(ReceiveError::Unavailable),
        }
    }

    pub(crate) fn queued(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// Stores the queued deliveries, then stops.
    pub(crate) async fn close(&self) {
        let (closer, is_closed) = oneshot::channel();
        if self.queue.send(Message::Close(closer)).await.is_ok() {
            drop(is_closed.await);
        }
    }
}

struct Batcher {
    database: Arc<Database>,
    key: SharedKey,
}

impl Batcher {
    async fn run(self, mut queue: mpsc::Receiver<Message>) {
        let mut messages = Vec::with_capacity(BATCH_MAX);
        let mut closers = Vec::new();
        let mut idle_writer = None;
        while queue.recv_many(&mut messages, BATCH_MAX).await > 0 {
            let mut batch = Vec::with_capacity(messages.len());
            for message in messages.drain(..) {
                match message {
                    Message::Store(delivery) => batch.push(*delivery),
                    Message::Close(closer) => closers.push(closer),
                }
            }
            if !closers.is_empty() {
                queue.close();
            }
            self.store(batch, &mut idle_writer).await;
            // Lets senders that just got a receipt add to the next batch.
            tokio::task::yield_now().await;
        }
        drop(idle_writer);
        for closer in closers {
            // The caller may have stopped waiting.
            let _ = closer.send(());
        }
    }

    /// Stores a batch and replies to every sender. If the database refuses one delivery, the others are stored without it.
    async fn store<'s>(&'s self, batch: Vec<QueuedDelivery>, idle_writer: &mut Option<Writer<'s>>) {
        let Err(refused) = self.store_together(batch, idle_writer).await else { return };
        for delivery in refused {
            if let Err(refused) = self.store_together(vec![delivery], idle_writer).await {
                reply(refused, std::iter::repeat(Err(ReceiveError::Refused)));
            }
        }
    }

    /// Stores a batch and replies to every sender; returns the batch if the database refuses a delivery.
    async fn store_together<'s>(
        &'s self,
        batch: Vec<QueuedDelivery>,
        idle_writer: &mut Option<Writer<'s>>,
    ) -> Result<(), Vec<QueuedDelivery>> {
        match self.retry(&batch, idle_writer).await {
            Ok(receipts) => reply(batch, receipts.into_iter().map(Ok)),
            Err(BatchError::NotCommitted(error)) if error.retry() == Retry::Never => {
                let error = &error as &dyn StdError;
                tracing::error!(error, count = batch.len(), "database refused deliveries");
                return Err(batch);
            }
            Err(BatchError::NotCommitted(error) | BatchError::Unknown(error)) => {
                let refusal = match &error {
                    Error::Storage(fault) => ReceiveError::Storage(fault.clone()),
                    _ => ReceiveError::Unavailable,
                };
                let error = &error as &dyn StdError;
                tracing::warn!(error, count = batch.len(), "storing deliveries failed");
                reply(batch, std::iter::repeat(Err(refusal)));
            }
        }
        Ok(())
    }

    async fn retry<'s>(
        &'s self,
        batch: &[QueuedDelivery],
        idle_writer: &mut Option<Writer<'s>>,
    ) -> Result<Vec<Receipt>, BatchError> {
        let items: Vec<Item<'_>> = batch
            .iter()
            .map(|queued| Item { event: &queued.event, cursor: queued.cursor.as_ref() })
            .collect();
        let (mut delays, started) = (retry_delays(), Instant::now());
        loop {
            let was_idle = idle_writer.is_some();
            let result = self.attempt(&items, idle_writer).await;
            let Err(BatchError::NotCommitted(error)) = &result else { return result };
            let is_retried = started.elapsed() < RETRY_WITHIN && is_retryable(error, was_idle);
            match delays.next().filter(|_| is_retried) {
                Some(delay) => tokio::time::sleep(delay).await,
                None => return result,
            }
        }
    }

    /// One transaction, on the connection of the previous one if that succeeded.
    async fn attempt<'s>(
        &'s self,
        items: &[Item<'_>],
        idle_writer: &mut Option<Writer<'s>>,
    ) -> Result<Vec<Receipt>, BatchError> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let mut writer = match idle_writer.take() {
            Some(writer) => writer,
            None => self.database.inbox_writer().await.map_err(BatchError::NotCommitted)?,
        };
        let receipts = self.transact(&mut writer, items).await?;
        *idle_writer = Some(writer).filter(Writer::is_reusable);
        Ok(receipts)
    }

    async fn transact(
        &self,
        writer: &mut Writer<'_>,
        items: &[Item<'_>],
    ) -> Result<Vec<Receipt>, BatchError> {
        let mut tx = writer.begin().await.map_err(BatchError::NotCommitted)?;
        let BatchWrite { receipts, entry, head } =
            batch::write(&mut tx, items, &self.key.load()).await.map_err(BatchError::NotCommitted)?;
        let Some(entry) = entry else {
            tx.rollback().await.map_err(BatchError::NotCommitted)?;
            return Ok(receipts);
        };
        let key = self.key.load();
        let appended = chain::append_to(&self.database, &mut tx, &key, head.as_ref(), entry).await;
        let head = appended.map_err(BatchError::NotCommitted)?;
        tx.commit().await.map_err(BatchError::Unknown)?;
        self.database.note_committed(head);
        // What was written to a file that is gone is not stored.
        self.database.check_files().map_err(BatchError::Unknown)?;
        Ok(receipts)
    }
}

/// Another transaction conflicted, or the connection was idle and may have been closed before it was used.
fn is_retryable(error: &Error, was_idle: bool) -> bool {
    match error.retry() {
        Retry::Now => true,
        Retry::Later => was_idle && !matches!(error, Error::Timeout),
        Retry::Never => false,
    }
}

fn reply(batch: Vec<QueuedDelivery>, results: impl Iterator<Item = Result<Receipt, ReceiveError>>) {
    for (delivery, result) in batch.into_iter().zip(results) {
        // The sender may have gone away; its delivery stays stored.
        let _ = delivery.reply.send(result);
    }
}
