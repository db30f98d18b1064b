//! The timeout of replies from a Postgres server, and replies after which its connection is closed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::error::{Error, PREPARED_ELSEWHERE};

/// SQLSTATE codes of a server that was demoted (its transactions are read-only), shuts down, crashed or is starting.
const SERVER_NOT_IN_USE: [&str; 4] = ["25006", "57P01", "57P02", "57P03"];

/// The server cancels long statements itself, but not if the network is interrupted.
#[derive(Clone, Copy)]
pub(crate) struct ReplyTimeout<'c> {
    pub(super) limit: Duration,
    /// Set when a reply is overdue, because later replies on the connection are ignored, and when the server says that it is not
    /// the one to be used.
    pub(super) is_unusable: &'c AtomicBool,
    /// Set when a pooler shows that was not noticed before.
    pub(super) is_pooled: &'c AtomicBool,
}

impl ReplyTimeout<'_> {
    pub(super) async fn wait<T>(
        &self,
        reply: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, Error> {
        let reply = tokio::time::timeout(self.limit, reply).await;
        let error = reply.as_ref().map(|reply| reply.as_ref().err());
        if error.map_or(true, |error| error.is_some_and(is_of_server)) {
            self.is_unusable.store(true, Ordering::Release);
        }
        if let Ok(Some(error)) = error
            && has_code(error, &PREPARED_ELSEWHERE)
        {
            self.is_pooled.store(true, Ordering::Relaxed);
        }
        Ok(reply.map_err(|_elapsed| Error::Timeout)??)
    }

    /// Whether a statement may be kept prepared for the next transaction.
    pub(super) fn keeps_prepared(&self) -> bool {
        !self.is_pooled.load(Ordering::Relaxed)
    }
}

/// Whether the next connection may lead to another server, or to this one in another state.
fn is_of_server(error: &sqlx::Error) -> bool {
    has_code(error, &SERVER_NOT_IN_USE) || has_code(error, &PREPARED_ELSEWHERE)
}

fn has_code(error: &sqlx::Error, codes: &[&str]) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| codes.contains(&&*code))
}
