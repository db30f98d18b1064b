//! Reports as rows of text and numbers, in any state of the books: each from one state of the database, page by page, so that
//! memory is bounded.

mod entries;
mod holdings;
mod lots;
mod request;
mod row;
mod statement;
mod text;
mod trial_balance;

use std::collections::BTreeSet;
use std::time::Duration;

use domain::AccountScope;
use tokio::sync::mpsc;

use crate::customers::accounts_in;
use crate::database::{Operation, Transaction};
use crate::error::Error;
use crate::ledger::{EntryFilter, set_timeout};
use crate::store::Store;

use holdings::StoredPosition;
pub(crate) use holdings::page as holdings_page;
pub use request::{ReportFault, ReportKind, ReportRequest};
pub use row::{Cell, ReportRow};
pub use text::{ReportFormat, ReportText};

/// Longest wait for whoever reads the rows, while a snapshot of the database is held for it.
const STALL_MAX: Duration = Duration::from_secs(30);
/// Longest time of a report: while its snapshot is held, the log of an SQLite database cannot be emptied.
const REPORT_MAX: Duration = Duration::from_mins(15);
/// Rows that are sent at once.
const PAGE: usize = 500;

/// Rows on their way to whoever reads them.
struct Output {
    columns: &'static [&'static str],
    page: Vec<ReportRow>,
    pages: mpsc::Sender<Vec<ReportRow>>,
}

impl Store {
    /// Sends the rows of a report of the accounts in a scope. Ends early, and without an error, when nobody receives them any more.
    ///
    /// # Errors
    /// [`Error::Timeout`] if the receiver takes no rows for 30 seconds or the report takes 15 minutes, [`Error::TooManyRows`], and
    /// errors of the database: the rows that were sent are not all.
    pub async fn report(
        &self,
        scope: &AccountScope,
        request: &ReportRequest,
        pages: mpsc::Sender<Vec<ReportRow>>,
    ) -> Result<(), Error> {
        let mut reader = self.book_reader(Operation::Entries).await?;
        let mut tx = reader.begin().await?;
        set_timeout(&mut tx).await?;
        let receiver = pages.clone();
        let mut output = Output { columns: request.kind.columns(), page: Vec::new(), pages };
        let visible = accounts_in(&mut tx, scope).await?;
        let filter = request.filter.within(visible.as_ref());
        let write = async {
            write(&mut tx, request.kind, (&filter, visible.as_ref()), &mut output).await?;
            output.flush().await
        };
        // A report without rows would not notice that nobody waits for it.
        tokio::select! {
            written = write => written.or_else(Stop::into_result),
            () = receiver.closed() => Ok(()),
            () = tokio::time::sleep(REPORT_MAX) => Err(Error::Timeout),
        }
    }

    /// Number of entries, for progress.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn entry_count(&self) -> Result<u64, Error> {
        let mut reader = self.shared.database.reader(Operation::Entries).await?;
        reader
            .begin()
            .await?
            .count(crate::database::sql!("SELECT COUNT(*) AS count FROM ledger_entries"))
            .await
    }
}

async fn write(
    tx: &mut Transaction<'_>,
    kind: ReportKind,
    (filter, visible): (&EntryFilter, Option<&BTreeSet<String>>),
    output: &mut Output,
) -> Result<(), Stop> {
    match kind {
        ReportKind::Entries => entries::write(tx, filter, output).await,
        ReportKind::TrialBalance => trial_balance::write(tx, filter, output).await,
        ReportKind::Statement => statement::write(tx, filter, output).await,
        ReportKind::Holdings => holdings::write(tx, filter, output).await,
        ReportKind::Lots => lots::write(tx, lots::Part::Open, (filter, visible), output).await,
        ReportKind::Gains => lots::write(tx, lots::Part::Closed, (filter, visible), output).await,
    }
}

/// Why a report ends early.
enum Stop {
    Closed,
    Failed(Error),
}

impl Stop {
    fn into_result(self) -> Result<(), Error> {
        match self {
            Self::Closed => Ok(()),
            Self::Failed(error) => Err(error),
        }
    }
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Output {
    async fn add(&mut self, cells: Vec<Cell>) -> Result<(), Stop> {
        self.page.push(ReportRow::new(self.columns, cells));
        if self.page.len() < PAGE { Ok(()) } else { self.flush().await }
    }

    /// Adds the row of a holding with more facts than are folded: its figures are not known, and the report goes on.
    async fn add_unknown(&mut self, holding: &StoredPosition) -> Result<(), Stop> {
        let names = [Cell::text(&holding.account), Cell::text(holding.symbol.as_str())];
        let empty = std::iter::repeat_with(|| Cell::Empty);
        self.add(names.into_iter().chain(empty).take(self.columns.len()).collect()).await
    }

    async fn flush(&mut self) -> Result<(), Stop> {
        let page = std::mem::take(&mut self.page);
        match tokio::time::timeout(STALL_MAX, self.pages.send(page)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Stop::Closed),
            Err(_) => Err(Stop::Failed(Error::Timeout)),
        }
    }
}
