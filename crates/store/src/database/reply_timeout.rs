//! The timeout of replies from a Postgres server, and replies after which its connection is closed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::error::Error;

/// SQLSTATE codes of a server that was demoted (its transactions are read-only), shuts down, crashed or is starting.
const SERVER_NOT_IN_USE: [&str; 4] = ["25006", "57P01", "57P02", "57P03"];

/// The server cancels long statements itself, but not if the network is interrupted.
#[derive(Clone, Copy)]
pub(crate) struct ReplyTimeout<'c> {
    pub(super) limit: Duration,
    /// Set when a reply is overdue, because later replies on the connection are ignored, and when the server says that it is not
    /// the one to be used.
    pub(super) is_unusable: &'c AtomicBool,
}

impl ReplyTimeout<'_> {
    pub(super) async fn wait<T>(
        &self,
        reply: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, Error> {
        let reply = tokio::time::timeout(self.limit, reply).await;
        if reply.as_ref().map_or(true, |reply| reply.as_ref().is_err_and(is_of_server)) {
            self.is_unusable.store(true, Ordering::Release);
        }
        Ok(reply.map_err(|_elapsed| Error::Timeout)??)
    }
}

/// Whether the next connection may lead to another server, or to this one in another state.
fn is_of_server(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| SERVER_NOT_IN_USE.contains(&&*code))
}
