//! The timeout of replies from a Postgres server.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::error::Error;

/// The server cancels long statements itself, but not if the network is interrupted.
#[derive(Clone, Copy)]
pub(crate) struct ReplyTimeout<'c> {
    pub(super) limit: Duration,
    /// Set when a reply is overdue: later replies on the connection are ignored.
    pub(super) has_expired: &'c AtomicBool,
}

impl ReplyTimeout<'_> {
    pub(super) async fn wait<T>(
        &self,
        reply: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, Error> {
        let Ok(reply) = tokio::time::timeout(self.limit, reply).await else {
            self.has_expired.store(true, Ordering::Release);
            return Err(Error::Timeout);
        };
        Ok(reply?)
    }
}
