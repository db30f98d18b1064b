//! How many connections of a database are in use, and how many callers wait for one.

use std::sync::atomic::{AtomicUsize, Ordering};

use telemetry::traces::{self, Span, SpanKind};

use crate::error::Error;

/// The connections to a database, without those to its standby.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionUse {
    /// Connections that a transaction has, or is about to begin on.
    pub in_use: usize,
    /// Open connections that are not in use.
    pub idle: usize,
    /// Most connections.
    pub max: usize,
    /// Callers that wait for a connection, of SQLite also for its only writer.
    pub waiting: usize,
}

/// Counts who waits.
#[derive(Default)]
pub(super) struct Waiting(AtomicUsize);

/// The wait of one caller, also in its trace. It ends when it is dropped, as by a caller that gives up.
pub(super) struct Wait<'w> {
    number: &'w AtomicUsize,
    span: Span,
}

impl Waiting {
    pub(super) fn start(&self) -> Wait<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let span = traces::child(SpanKind::Internal, || "wait for a database connection");
        Wait { number: &self.0, span }
    }

    pub(super) fn number(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Wait<'_> {
    /// Ends the wait with a connection, or without.
    pub(super) fn end<T>(mut self, connection: Result<T, Error>) -> Result<T, Error> {
        if connection.is_err() {
            self.span.fail("unavailable");
        }
        connection
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.number.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::time::Duration;

    use super::*;
    use crate::config::StoreConfig;
    use crate::database::{Database, Operation};

    #[tokio::test]
    async fn who_waits_for_the_writer_is_counted_until_it_has_it_or_gives_up() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("a.db").display());
        let database = Database::open(&StoreConfig::new(url.parse().unwrap())).await.unwrap();
        let counts = || {
            let ConnectionUse { in_use, idle, max, waiting } = database.connection_use();
            [in_use, idle, max, waiting]
        };
        // The writer is open; readers are opened when they are needed.
        assert_eq!(counts(), [0, 1, 11, 0]);
        let writer = database.writer(Operation::Other).await.unwrap();
        let reader = database.reader(Operation::Other).await.unwrap();
        assert_eq!(counts(), [2, 0, 11, 0]);
        let mut next = pin!(database.writer(Operation::Other));
        let gives_up = database.writer(Operation::Other);
        let wait = Duration::from_millis(20);
        let (first, second) =
            tokio::join!(tokio::time::timeout(wait, &mut next), tokio::time::timeout(wait, gives_up));
        assert!(first.is_err() && second.is_err(), "the writer is in use");
        assert_eq!(counts(), [2, 0, 11, 1], "one gave up");
        drop((writer, reader));
        drop(next.await.unwrap());
        assert_eq!(counts()[3], 0);
    }
}
