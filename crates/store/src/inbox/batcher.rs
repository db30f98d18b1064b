//! One task per store that keeps deliveries, as many at a time as wait.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::batch::{self, Item};
use super::{Cursor, Receipt, ReceiveError, Record};
use crate::chain;
use crate::database::{Database, Writer};
use crate::error::{Error, Remedy};

/// Deliveries that one transaction keeps, at most.
const BATCH_MAX: usize = 256;
/// How often a batch is tried when others are in its way, or its connection turns out to be dead.
const TRIES_MAX: usize = 5;
/// Longest that a sender waits. Providers wait ten seconds and more before they count a delivery as lost.
const ANSWER_WITHIN: Duration = Duration::from_secs(6);
/// A batch is not tried again after so long: its senders wait, and are told to come back before they give up.
const TRIES_WITHIN: Duration = Duration::from_secs(4);

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
    /// While it was committed: it may have been written.
    Unknown(Error),
}

impl Inbox {
    /// Starts the task that keeps deliveries. It ends when the inbox is closed or dropped.
    pub(crate) fn start(database: Arc<Database>, key: audit::Key, queue: usize) -> Self {
        let (line, waiting) = mpsc::channel(queue.max(1));
        drop(tokio::spawn(Batcher { database, key }.run(waiting)));
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
        // What comes too late for its sender may still be kept; then its next copy is a duplicate.
        let answered = tokio::time::timeout(ANSWER_WITHIN, answered).await;
        answered.unwrap_or(Ok(Err(ReceiveError::Unavailable))).unwrap_or(Err(ReceiveError::Unavailable))
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
}

impl Batcher {
    async fn run(self, mut line: mpsc::Receiver<Message>) {
        let mut messages = Vec::with_capacity(BATCH_MAX);
        let mut closers = Vec::new();
        let mut kept = None;
        while line.recv_many(&mut messages, BATCH_MAX).await > 0 {
            let mut batch = Vec::with_capacity(messages.len());
            for message in messages.drain(..) {
                match message {
                    Message::Keep(waiting) => batch.push(*waiting),
                    Message::Close(done) => closers.push(done),
                }
            }
            if !closers.is_empty() {
                line.close();
            }
            self.keep(batch, &mut kept).await;
            // Those who were just answered may have more: it belongs into the next batch, not into the one after.
            tokio::task::yield_now().await;
        }
        drop(kept);
        for done in closers {
            // Whoever closed may have stopped waiting.
            let _ = done.send(());
        }
    }

    /// Keeps a batch and answers everyone in it. One that is at fault does not make the others suffer.
    async fn keep<'s>(&'s self, batch: Vec<Waiting>, kept: &mut Option<Writer<'s>>) {
        let Err(failure) = self.keep_together(batch, kept).await else {
            return;
        };
        for waiting in failure {
            if let Err(alone) = self.keep_together(vec![waiting], kept).await {
                answer(alone, std::iter::repeat(Err(ReceiveError::Refused)));
            }
        }
    }

    /// Keeps a batch and answers everyone in it; gives it back when the database refuses something in it.
    async fn keep_together<'s>(
        &'s self,
        batch: Vec<Waiting>,
        kept: &mut Option<Writer<'s>>,
    ) -> Result<(), Vec<Waiting>> {
        match self.attempt(&batch, kept).await {
            Ok(receipts) => answer(batch, receipts.into_iter().map(Ok)),
            Err(Failure::Undone(error)) if error.remedy() == Remedy::Never => {
                tracing::error!(
                    error = &error as &dyn StdError,
                    count = batch.len(),
                    "deliveries were refused"
                );
                return Err(batch);
            }
            Err(Failure::Undone(error) | Failure::Unknown(error)) => {
                tracing::warn!(
                    error = &error as &dyn StdError,
                    count = batch.len(),
                    "deliveries were not kept"
                );
                answer(batch, std::iter::repeat(Err(ReceiveError::Unavailable)));
            }
        }
        Ok(())
    }

    async fn attempt<'s>(
        &'s self,
        batch: &[Waiting],
        kept: &mut Option<Writer<'s>>,
    ) -> Result<Vec<Receipt>, Failure> {
        let items: Vec<Item<'_>> = batch
            .iter()
            .map(|waiting| Item { record: &waiting.record, cursor: waiting.cursor.as_ref() })
            .collect();
        let (mut tries, began) = (1, Instant::now());
        loop {
            let was_kept = kept.is_some();
            match self.transact(&items, kept).await {
                Err(Failure::Undone(error))
                    if tries < TRIES_MAX
                        && began.elapsed() < TRIES_WITHIN
                        && is_worth_another(&error, was_kept) =>
                {
                    tries += 1;
                }
                outcome => return outcome,
            }
        }
    }

    /// One transaction on the connection that was kept, which is kept again when it served.
    async fn transact<'s>(
        &'s self,
        items: &[Item<'_>],
        kept: &mut Option<Writer<'s>>,
    ) -> Result<Vec<Receipt>, Failure> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let mut writer = match kept.take() {
            Some(writer) => writer,
            None => self.database.inbox_writer(items.len()).await.map_err(Failure::Undone)?,
        };
        let receipts = self.transact_with(&mut writer, items).await?;
        if writer.is_own() {
            *kept = Some(writer);
        }
        Ok(receipts)
    }

    async fn transact_with(
        &self,
        writer: &mut Writer<'_>,
        items: &[Item<'_>],
    ) -> Result<Vec<Receipt>, Failure> {
        let mut tx = writer.begin().await.map_err(Failure::Undone)?;
        let written = batch::write(&mut tx, items).await.map_err(Failure::Undone)?;
        let Some(entry) = written.entry else {
            tx.rollback().await.map_err(Failure::Undone)?;
            return Ok(written.receipts);
        };
        let appended = match &written.head {
            Some(head) => chain::append_to(&mut tx, &self.key, head, entry).await,
            None => chain::append(&mut tx, &self.key, entry).await,
        };
        appended.map_err(Failure::Undone)?;
        tx.commit().await.map_err(Failure::Unknown)?;
        Ok(written.receipts)
    }
}

/// Others were in the way; or the connection had been kept for long, and may have been dead before it was used.
fn is_worth_another(error: &Error, was_kept: bool) -> bool {
    match error.remedy() {
        Remedy::Again => true,
        Remedy::Later => was_kept && !matches!(error, Error::Silent),
        Remedy::Never => false,
    }
}

fn answer(batch: Vec<Waiting>, answers: impl Iterator<Item = Result<Receipt, ReceiveError>>) {
    for (waiting, answer) in batch.into_iter().zip(answers) {
        // The caller may be gone; what was kept stays kept.
        let _ = waiting.answer.send(answer);
    }
}
