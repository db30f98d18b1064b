//! Ledger entries in the order in which they were recorded.

use super::row::Cell;
use super::{Output, Stop};
use crate::database::Transaction;
use crate::ledger::{EntryFilter, LedgerEntry, entries_page};

pub(super) const COLUMNS: [&str; 11] = [
    "id",
    "transaction",
    "subject",
    "effect",
    "revision",
    "kind",
    "at",
    "posted_at",
    "account",
    "currency",
    "amount",
];

pub(super) async fn write(
    tx: &mut Transaction<'_>,
    filter: &EntryFilter,
    output: &mut Output,
) -> Result<(), Stop> {
    let mut after = None;
    loop {
        let page = entries_page(tx, filter, after).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        for entry in page {
            output.add(cells(&entry)).await?;
        }
    }
}

fn cells(entry: &LedgerEntry) -> Vec<Cell> {
    let LedgerEntry { id, transaction, subject, effect, revision, kind, at, posted_at, account, money } =
        entry;
    vec![
        Cell::text(id),
        Cell::text(transaction),
        Cell::text(subject),
        Cell::text(effect),
        Cell::text(revision),
        Cell::text(kind),
        Cell::text(at),
        Cell::text(posted_at),
        Cell::text(account),
        Cell::currency(Some(*money)),
        Cell::money(Some(*money)),
    ]
}
