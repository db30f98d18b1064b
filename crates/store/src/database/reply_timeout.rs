//! How long a Postgres server may take to reply.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::error::Error;

/// The server cancels long statements itself, but cannot when the network between us is cut.
#[derive(Clone, Copy)]
pub(crate) struct ReplyTimeout<'c> {
    pub(super) limit: Duration,
    /// Set when a reply is overdue: whatever the connection receives later belongs to no one.
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
