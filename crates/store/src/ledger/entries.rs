//! The journal as people look at it, newest first, page by page.

use domain::{ExternalId, Money};
use jiff::Timestamp;
use ledger::{LedgerAccount, TransactionKind};

use super::words::money;
use crate::database::{Row, Statement};
use crate::error::Error;
use crate::store::Store;

/// Entries of a page, at most.
pub const ENTRIES_MAX: u32 = 500;

const SELECT: &str = "SELECT e.id, e.transaction_id, t.subject, t.effect, t.revision, t.kind, t.at, t.posted_at, \
    e.account, e.currency, e.minor FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id \
    WHERE TRUE";

/// Which entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntriesOf {
    /// All.
    Everyone,
    /// Those on a holder's accounts.
    Holder(ExternalId),
    /// Those on one account.
    Account(LedgerAccount),
}

/// An entry of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number: later entries have greater ones; there may be gaps.
    pub id: i64,
    /// The number of the movement that it is a leg of; all legs of a movement sum to zero in each currency.
    pub transaction: i64,
    /// What the movement is about, such as `transfer/bridge:abc`.
    pub subject: String,
    /// What it is the effect of.
    pub effect: String,
    /// How often the effect was written, this movement included: more than one is a correction.
    pub revision: i64,
    /// What the movement is for.
    pub kind: TransactionKind,
    /// When that became so, on the provider's clock.
    pub at: Timestamp,
    /// When it was written.
    pub posted_at: Timestamp,
    /// On which account.
    pub account: LedgerAccount,
    /// How much: positive raises what lies there.
    pub money: Money,
}

/// A page of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entries {
    /// Newest first.
    pub entries: Vec<Entry>,
    /// What to give next as `after`; `None` at the end.
    pub next_after: Option<i64>,
}

impl Store {
    /// Entries, newest first, `rows` of them (1 to [`ENTRIES_MAX`]), those after the entry `after` in that order.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn entries(&self, of: &EntriesOf, after: Option<i64>, rows: u32) -> Result<Entries, Error> {
        let rows = rows.clamp(1, ENTRIES_MAX);
        let mut statement = Statement::new(SELECT);
        let (holder, account) = match of {
            EntriesOf::Everyone => (None, None),
            EntriesOf::Holder(holder) => (Some(holder.to_string()), None),
            EntriesOf::Account(account) => (None, Some(account.to_string())),
        };
        statement.given(" AND e.holder = ", holder).given(" AND e.account = ", account);
        statement.given(" AND e.id < ", after).words(" ORDER BY e.id DESC LIMIT ").value(rows);
        let (sql, values) = statement.finish();
        let mut reader = self.shared.database.reader().await?;
        let found = reader.begin().await?.rows_made(sql, values).await?;
        let entries = found.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let is_full = u32::try_from(entries.len()).is_ok_and(|found| found == rows);
        let next_after = entries.last().filter(|_| is_full).map(|last| last.id);
        Ok(Entries { entries, next_after })
    }
}

fn read(row: &Row) -> Result<Entry, Error> {
    Ok(Entry {
        id: row.int("id")?,
        transaction: row.int("transaction_id")?,
        subject: row.text("subject")?,
        effect: row.text("effect")?,
        revision: row.int("revision")?,
        kind: row.parsed("kind")?,
        at: row.time("at")?,
        posted_at: row.time("posted_at")?,
        account: row.parsed("account")?,
        money: money(row, "minor", "currency")?,
    })
}
