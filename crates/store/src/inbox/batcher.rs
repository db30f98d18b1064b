//! One task per store that keeps deliveries, as many at a time as wait.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::batch::{self, Item};
use super::{Cursor, Receipt, ReceiveError, Record};
use crate::chain;
use crate::database::{Database, Writer};
use crate::error::{Error, Remedy};

/// Deliveries that one transaction keeps, at most.
const BATCH_MAX: usize = 256;
/// How often a batch is tried when others are in its way, or its connection turns out to be dead.
const TRIES_MAX: usize = 5;

/// The waiting line of deliveries.
pub(crate) struct Inbox {
    line: mpsc::Sender<Message>,
}

enum Message {
    Keep(Box<Waiting>),
    /// Everything before it is kept, nothing after it.
    Close(oneshot::Sender<()>),
}

struct Waiting {
    record: Record,
    cursor: Option<Cursor>,
    answer: oneshot::Sender<Result<Receipt, ReceiveError>>,
}

/// Where in its transaction a batch failed.
enum Failure {
    /// Before the commit: nothing was written.
    Undone(Error),
    /// While it was committed, or without an answer: it may have been written.
    Unknown(Error),
    /// Nobody answered in time.
    Silence,
}

impl Inbox {
    /// Starts the task that keeps deliveries. It ends when the inbox is closed or dropped.
    pub(crate) fn start(database: Arc<Database>, key: audit::Key, queue: usize, patience: Duration) -> Self {
        let (line, waiting) = mpsc::channel(queue.max(1));
        drop(tokio::spawn(Batcher { database, key, patience }.run(waiting)));
        Self { line }
    }

    pub(crate) async fn receive(
        &self,
        record: Record,
        cursor: Option<Cursor>,
    ) -> Result<Receipt, ReceiveError> {
        let (answer, answered) = oneshot::channel();
        let message = Message::Keep(Box::new(Waiting { record, cursor, answer }));
        self.line.try_send(message).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => ReceiveError::Busy,
            mpsc::error::TrySendError::Closed(_) => ReceiveError::Unavailable,
        })?;
        answered.await.unwrap_or(Err(ReceiveError::Unavailable))
    }

    /// How many deliveries wait.
    pub(crate) fn waiting(&self) -> usize {
        self.line.max_capacity() - self.line.capacity()
    }

    /// Keeps what waits and then no more.
    pub(crate) async fn close(&self) {
        let (done, is_done) = oneshot::channel();
        if self.line.send(Message::Close(done)).await.is_ok() {
            drop(is_done.await);
        }
    }
}

struct Batcher {
    database: Arc<Database>,
    key: audit::Key,
    patience: Duration,
}

impl Batcher {
    async fn run(self, mut line: mpsc::Receiver<Message>) {
        let mut messages = Vec::with_capacity(BATCH_MAX);
        while line.recv_many(&mut messages, BATCH_MAX).await > 0 {
            let mut batch = Vec::with_capacity(messages.len());
            let mut closing = None;
            for message in messages.drain(..) {
                match message {
                    Message::Keep(waiting) => batch.push(*waiting),
                    Message::Close(done) => closing = Some(done),
                }
            }
            if closing.is_some() {
                line.close();
            }
            self.keep(batch).await;
            if let Some(done) = closing {
                // Whoever closed may have stopped waiting.
                let _ = done.send(());
            }
        }
    }

    /// Keeps a batch and answers everyone in it.
    async fn keep(&self, batch: Vec<Waiting>) {
        let failure = match self.attempt(&batch).await {
            Ok(receipts) => return answer(batch, receipts.into_iter().map(Ok)),
            Err(failure) => failure,
        };
        match failure {
            // One of them is at fault: the others must not suffer from it.
            Failure::Undone(error) if error.remedy() == Remedy::Never && batch.len() > 1 => {
                self.keep_singly(batch).await;
            }
            Failure::Undone(error) if error.remedy() == Remedy::Never => {
                tracing::error!(error = &error as &dyn std::error::Error, "the database refuses a delivery");
                answer(batch, std::iter::repeat(Err(ReceiveError::Refused)));
            }
            Failure::Undone(error) | Failure::Unknown(error) => {
                let count = batch.len();
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    count,
                    "deliveries could not be kept"
                );
                answer(batch, std::iter::repeat(Err(ReceiveError::Unavailable)));
            }
            Failure::Silence => {
                tracing::warn!(count = batch.len(), "the database did not answer in time");
                answer(batch, std::iter::repeat(Err(ReceiveError::Unavailable)));
            }
        }
    }

    async fn keep_singly(&self, batch: Vec<Waiting>) {
        for waiting in batch {
            // Recursion ends here: a batch of one is not split again.
            Box::pin(self.keep(vec![waiting])).await;
        }
    }

    async fn attempt(&self, batch: &[Waiting]) -> Result<Vec<Receipt>, Failure> {
        let items: Vec<Item<'_>> = batch
            .iter()
            .map(|waiting| Item { record: &waiting.record, cursor: waiting.cursor.as_ref() })
            .collect();
        let mut tries = 1;
        loop {
            let outcome =
                timeout(self.patience, self.transact(&items)).await.unwrap_or(Err(Failure::Silence));
            match outcome {
                Err(Failure::Undone(error)) if error.remedy() == Remedy::Again && tries < TRIES_MAX => {
                    tries += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn transact(&self, items: &[Item<'_>]) -> Result<Vec<Receipt>, Failure> {
        let mut writer = self.database.writer().await.map_err(Failure::Undone)?;
        self.transact_with(&mut writer, items).await
    }

    async fn transact_with(
        &self,
        writer: &mut Writer<'_>,
        items: &[Item<'_>],
    ) -> Result<Vec<Receipt>, Failure> {
        let mut tx = writer.begin().await.map_err(Failure::Undone)?;
        let written = batch::write(&mut tx, items).await.map_err(Failure::Undone)?;
        if !written.has_changes {
            tx.rollback().await.map_err(Failure::Undone)?;
            return Ok(written.receipts);
        }
        if let Some(entry) = written.entry {
            chain::append(&mut tx, &self.key, entry).await.map_err(Failure::Undone)?;
        }
        tx.commit().await.map_err(Failure::Unknown)?;
        Ok(written.receipts)
    }
}

fn answer(batch: Vec<Waiting>, answers: impl Iterator<Item = Result<Receipt, ReceiveError>>) {
    for (waiting, answer) in batch.into_iter().zip(answers) {
        // The caller may be gone; what was kept stays kept.
        let _ = waiting.answer.send(answer);
    }
}
