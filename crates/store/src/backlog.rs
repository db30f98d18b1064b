//! How much is still to be done, for metrics and alerts.

use domain::Provider;
use jiff::Timestamp;

use crate::database::{Row, values};
use crate::error::Error;
use crate::store::Store;

/// What is still to be done of one provider's deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Whose.
    pub provider: Provider,
    /// Pieces of work that wait or are leased.
    pub unfinished: u64,
    /// Since when the oldest of them is there.
    pub oldest_at: Option<Timestamp>,
    /// Pieces of work that were given up and not asked for again.
    pub dead: u64,
}

const UNFINISHED: &str = "SELECT provider, COUNT(*) AS unfinished, MIN(created_at) AS oldest_at FROM ( \
    SELECT provider, created_at FROM webhook_work WHERE state = 'pending' \
    UNION ALL SELECT provider, created_at FROM webhook_work WHERE state = 'leased') AS unfinished_work GROUP BY provider";

const DEAD: &str =
    "SELECT provider, COUNT(*) AS dead FROM webhook_work WHERE state = 'dead' GROUP BY provider";

impl Store {
    /// What is still to be done, of every provider.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn backlog(&self) -> Result<[Backlog; Provider::ALL.len()], Error> {
        let mut backlogs =
            Provider::ALL.map(|provider| Backlog { provider, unfinished: 0, oldest_at: None, dead: 0 });
        let mut reader = self.shared.database.reader().await?;
        let mut tx = reader.begin().await?;
        for row in tx.rows(UNFINISHED, values![]).await? {
            if let Some(backlog) = of(&mut backlogs, &row)? {
                backlog.unfinished = row.int("unfinished")?.cast_unsigned();
                backlog.oldest_at = row.maybe_time("oldest_at")?;
            }
        }
        for row in tx.rows(DEAD, values![]).await? {
            if let Some(backlog) = of(&mut backlogs, &row)? {
                backlog.dead = row.int("dead")?.cast_unsigned();
            }
        }
        Ok(backlogs)
    }
}

/// `None` for a provider that a newer program knows and this one does not.
fn of<'b>(backlogs: &'b mut [Backlog], row: &Row) -> Result<Option<&'b mut Backlog>, Error> {
    let provider = row.text("provider")?;
    Ok(backlogs.iter_mut().find(|backlog| backlog.provider.as_str() == provider))
}
