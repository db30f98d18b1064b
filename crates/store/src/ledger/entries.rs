//! The entries of the journal for operators, newest first, page by page.

use domain::{AccountScope, Money};
use jiff::Timestamp;
use ledger::{LedgerAccount, TransactionKind};

use super::columns::{money, parse_enum};
use super::entry_filter::EntryFilter;
use crate::customers::accounts_in;
use crate::database::{Operation, Row, Transaction, sql};
use crate::error::Error;
use crate::ids::EntryId;
use crate::store::Store;

/// Most entries of a page.
pub const ENTRIES_MAX: u32 = 500;

const SELECT: &str = "SELECT e.id, e.transaction_id, t.subject, t.effect, t.revision, t.kind, t.at, t.posted_at, \
    e.account, e.currency, e.minor FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id \
    WHERE TRUE";

/// An entry of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Later entries have greater ids; there may be gaps.
    pub id: EntryId,
    /// The id of its transaction, whose entries sum to zero in each currency.
    pub transaction: i64,
    /// The subject of the transaction, such as `transfer/bridge:abc`.
    pub subject: String,
    /// The effect of the subject that the transaction posts.
    pub effect: String,
    /// Number of postings of the effect so far: more than 1 is a correction.
    pub revision: i64,
    /// The kind of the transaction.
    pub kind: TransactionKind,
    /// Time of the effect, on the provider's clock.
    pub at: Timestamp,
    /// Time at which the entry was written.
    pub posted_at: Timestamp,
    /// The account that it changes.
    pub account: LedgerAccount,
    /// The change of the account's balance.
    pub money: Money,
}

/// A page of entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryPage {
    /// Entries, newest first.
    pub entries: Vec<LedgerEntry>,
    /// The `after` of the next page; `None` at the end.
    pub next_after: Option<EntryId>,
}

impl Store {
    /// Entries of the accounts in `scope`, newest first, `rows` of them (1 to [`ENTRIES_MAX`]), beginning after the entry
    /// `after`. Those of the system are only in the whole scope.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn entries(
        &self,
        scope: &AccountScope,
        filter: &EntryFilter,
        after: Option<EntryId>,
        rows: u32,
    ) -> Result<EntryPage, Error> {
        let limit = rows.clamp(1, ENTRIES_MAX);
        let mut reader = self.book_reader(Operation::Entries).await?;
        let mut tx = reader.begin().await?;
        let filter = filter.within(accounts_in(&mut tx, scope).await?.as_ref());
        let statement = filter
            .push_to(&mut tx, sql!(SELECT))
            .await?
            .push_optional(" AND e.id < ", after.map(EntryId::get))
            .push_sql(" ORDER BY e.id DESC LIMIT ")
            .push_value(limit);
        let entries = tx.fetch_all(statement).await?.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        let next_after = entries.last().filter(|_| entries.len() == limit as usize).map(|last| last.id);
        Ok(EntryPage { entries, next_after })
    }
}

/// The entries after `after`, in the order of their ids: a page of at most [`ENTRIES_MAX`].
pub(crate) async fn page(
    tx: &mut Transaction<'_>,
    filter: &EntryFilter,
    after: Option<EntryId>,
) -> Result<Vec<LedgerEntry>, Error> {
    let statement = filter
        .push_to(tx, sql!(SELECT))
        .await?
        .push_optional(" AND e.id > ", after.map(EntryId::get))
        .push_sql(" ORDER BY e.id LIMIT ")
        .push_value(ENTRIES_MAX);
    tx.fetch_all(statement).await?.iter().map(entry).collect()
}

fn entry(row: &Row) -> Result<LedgerEntry, Error> {
    Ok(LedgerEntry {
        id: EntryId::new(row.int("id")?),
        transaction: row.int("transaction_id")?,
        subject: row.text("subject")?,
        effect: row.text("effect")?,
        revision: row.int("revision")?,
        kind: parse_enum(row, "kind")?,
        at: row.time("at")?,
        posted_at: row.time("posted_at")?,
        account: row.parsed("account")?,
        money: money(row, "minor", "currency")?,
    })
}
