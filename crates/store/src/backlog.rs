//! Numbers of unfinished and dead jobs, for metrics and alerts.

use domain::Provider;
use jiff::Timestamp;

use crate::database::{Operation, Row, sql};
use crate::error::Error;
use crate::store::Store;

/// The jobs of one provider that are not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// The provider of their events.
    pub provider: Provider,
    /// Jobs that are pending or leased.
    pub unfinished: u64,
    /// Creation time of the oldest of them.
    pub oldest_at: Option<Timestamp>,
    /// Jobs that were given up and not requeued.
    pub dead: u64,
}

const UNFINISHED: &str = "SELECT provider, COUNT(*) AS unfinished, MIN(created_at) AS oldest_at FROM ( \
    SELECT provider, created_at FROM webhook_jobs WHERE state = 'pending' \
    UNION ALL SELECT provider, created_at FROM webhook_jobs WHERE state = 'leased') AS unfinished_jobs GROUP BY provider";

const DEAD: &str =
    "SELECT provider, COUNT(*) AS dead FROM webhook_jobs WHERE state = 'dead' GROUP BY provider";

impl Store {
    /// The backlog of every provider.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn backlog(&self) -> Result<[Backlog; Provider::ALL.len()], Error> {
        let mut backlogs =
            Provider::ALL.map(|provider| Backlog { provider, unfinished: 0, oldest_at: None, dead: 0 });
        let mut reader = self.shared.database.reader(Operation::Business).await?;
        let mut tx = reader.begin().await?;
        for row in tx.fetch_all(sql!(UNFINISHED)).await? {
            if let Some(backlog) = find(&mut backlogs, &row)? {
                backlog.unfinished = row.number("unfinished")?;
                backlog.oldest_at = row.optional_time("oldest_at")?;
            }
        }
        for row in tx.fetch_all(sql!(DEAD)).await? {
            if let Some(backlog) = find(&mut backlogs, &row)? {
                backlog.dead = row.number("dead")?;
            }
        }
        Ok(backlogs)
    }
}

/// `None` for a provider of a newer program.
fn find<'b>(backlogs: &'b mut [Backlog], row: &Row) -> Result<Option<&'b mut Backlog>, Error> {
    let provider = row.text("provider")?;
    Ok(backlogs.iter_mut().find(|backlog| backlog.provider.as_str() == provider))
}
