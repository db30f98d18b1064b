//! `investiq ledger report`: a report of the books, as a table for people, or as JSON or CSV. It changes nothing.

use domain::AccountScope;
use jiff::Timestamp;
use store::{
    AccountFilter, Cell, EntryFilter, Moment, ReportKind, ReportRequest, ReportRow, ReportText, Store,
};
use tokio::sync::mpsc;

use crate::console::Console;
use crate::database::Database;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::table::table;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq ledger report trial-balance\n  investiq ledger report statement --account alpaca:a1 --effective-from 2026-03-01T00:00:00Z\n  investiq ledger report gains --format csv > gains.csv"
)]
pub(crate) struct Arguments {
    /// The report
    #[arg(value_name = "NAME", value_parser = ["trial-balance", "statement", "holdings", "lots", "gains"])]
    name: String,
    /// How it is printed
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = ["table", "json", "csv"])]
    format: String,
    /// Only this holder; for trial-balance and statement also an account such as system/fees
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<AccountFilter>,
    /// For statement and gains: at or after this time, such as 2026-01-02T15:04:05Z
    #[arg(long, value_name = "TIME")]
    effective_from: Option<Timestamp>,
    /// For statement and gains: before this time
    #[arg(long, value_name = "TIME")]
    effective_before: Option<Timestamp>,
    #[command(flatten)]
    moment: MomentArguments,
}

#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct MomentArguments {
    /// What had happened by this time
    #[arg(long, value_name = "TIME")]
    as_of: Option<Timestamp>,
    /// What was recorded by this time
    #[arg(long, value_name = "TIME")]
    known_at: Option<Timestamp>,
}

impl MomentArguments {
    pub(super) fn moment(self) -> Moment {
        Moment { as_of: self.as_of, known_at: self.known_at }
    }
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let request = request(arguments)?;
    let database = Database::open(console).await?;
    if let Ok(format) = arguments.format.parse() {
        let mut text = ReportText::new(format, &request, Some("investiq.ledger.report.v1"));
        console.print(text.head())?;
        each_page(&database.store, &request, |rows| console.print(&page(&mut text, rows)?)).await?;
        console.print(text.tail())?;
        return Ok(Exit::Success);
    }
    let mut rows: Vec<Vec<String>> = Vec::new();
    let cells = |row: &ReportRow| row.cells().iter().map(Cell::show).map(str::to_owned).collect();
    each_page(&database.store, &request, |page| {
        rows.extend(page.iter().map(cells));
        Ok(())
    })
    .await?;
    let heading: Vec<String> = request.kind.columns().iter().map(|name| heading(name)).collect();
    console.print(&table(heading.iter().map(String::as_str).collect::<Vec<_>>(), &rows))?;
    Ok(Exit::Success)
}

fn request(arguments: &Arguments) -> Result<ReportRequest, Failure> {
    let Arguments { name, format: _, account, effective_from, effective_before, moment } = arguments;
    let kind: ReportKind = name.parse().map_err(|_| Failure::Usage(format!("unknown report {name}")))?;
    let filter = EntryFilter {
        account: account.clone(),
        from: *effective_from,
        before: *effective_before,
        moment: moment.moment(),
        ..EntryFilter::default()
    };
    let request = ReportRequest { kind, filter };
    request.check().map_err(|fault| Failure::Usage(fault.to_string()))?;
    Ok(request)
}

fn heading(column: &str) -> String {
    column.replace('_', " ").to_uppercase()
}

pub(super) fn page(text: &mut ReportText, rows: &[ReportRow]) -> Result<String, Failure> {
    text.page(rows).map_err(|error| Failure::Output(error.into()))
}

/// Calls `take` with the rows, page by page.
pub(super) async fn each_page(
    store: &Store,
    request: &ReportRequest,
    mut take: impl FnMut(&[ReportRow]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (sender, mut pages) = mpsc::channel::<Vec<ReportRow>>(1);
    let taking = async {
        while let Some(rows) = pages.recv().await {
            take(&rows)?;
        }
        Ok::<(), Failure>(())
    };
    let reading = async { store.report(&AccountScope::All, request, sender).await.map_err(Failure::from) };
    tokio::try_join!(reading, taking).map(drop)
}
