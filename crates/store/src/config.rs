//! Where the store is and how much it may take.

use std::time::Duration;

use crate::url::DatabaseUrl;

/// Deliveries that wait to be kept, when nothing else is said. At 12,000 a second this is a third of a second.
pub const QUEUE_DELIVERIES: usize = 4096;
/// Connections to Postgres, or readers of SQLite, when nothing else is said.
pub const CONNECTIONS: u32 = 10;

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// Where the database is.
    pub url: DatabaseUrl,
    /// Deliveries that may wait to be kept; one more is refused as [`Busy`](crate::ReceiveError::Busy).
    pub queue_deliveries: usize,
    /// Connections to Postgres, or readers of SQLite, at most. The inbox has one more of its own.
    pub connections: u32,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest that one statement may take.
    pub statement_timeout: Duration,
    /// Whether the tables are made, or brought to the form that this program knows. Otherwise a database that has them in
    /// another form, or not at all, is not opened, and nothing in it is changed.
    pub migrates: bool,
}

impl StoreConfig {
    /// The usual bounds, for the database at `url`.
    #[must_use]
    pub const fn new(url: DatabaseUrl) -> Self {
        Self {
            url,
            queue_deliveries: QUEUE_DELIVERIES,
            connections: CONNECTIONS,
            connect_timeout: Duration::from_secs(3),
            statement_timeout: Duration::from_secs(10),
            migrates: true,
        }
    }
}
