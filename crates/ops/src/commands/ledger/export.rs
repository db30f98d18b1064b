//! `investiq ledger export`: all ledger entries of one state of the database, as CSV or JSON lines. The file appears when it
//! is complete.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use store::{EntryFilter, ReportFormat, ReportKind, ReportRequest, ReportText, Store};

use super::report::{MomentArguments, each_page, page};
use crate::console::Console;
use crate::database::Database;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::secret_file;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq ledger export entries.csv\n  investiq ledger export /var/exports --format jsonl"
)]
pub(crate) struct Arguments {
    /// The new file, or a directory for a file named entries
    #[arg(value_name = "FILE|DIR")]
    target: PathBuf,
    /// How entries are written
    #[arg(long, value_name = "FORMAT", default_value = "csv", value_parser = ["csv", "jsonl"])]
    format: String,
    #[command(flatten)]
    moment: MomentArguments,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let Arguments { target, format, moment } = arguments;
    let target = if target.is_dir() { target.join(format!("entries.{format}")) } else { target.clone() };
    if secret_file::exists(&target) {
        return Err(Failure::Precondition(format!("{} exists; name a new file", target.display())));
    }
    let format: ReportFormat =
        format.parse().map_err(|_| Failure::Usage(format!("unknown format {format}")))?;
    let filter = EntryFilter { moment: moment.moment(), ..EntryFilter::default() };
    let request = ReportRequest { kind: ReportKind::Entries, filter };
    let database = Database::open(console).await?;
    let partial = partial(&target);
    // What is there was left by an export that was interrupted.
    drop(fs::remove_file(&partial));
    let file = secret_file::create(&partial).map_err(Failure::file("create", &partial))?;
    let written = write(&database.store, &request, format, (file, &partial), console).await;
    if written.is_err() {
        drop(fs::remove_file(&partial));
    }
    let entries = written?;
    fs::rename(&partial, &target).map_err(Failure::file("rename to", &target))?;
    console.eprint(&format!("exported {entries} entries to {}", target.display()));
    Ok(Exit::Success)
}

/// The name of the file until it is complete.
fn partial(target: &Path) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}.partial"))
}

async fn write(
    store: &Store,
    request: &ReportRequest,
    format: ReportFormat,
    (file, path): (File, &Path),
    console: &Console,
) -> Result<u64, Failure> {
    let bar = console.progress_bar(store.entry_count().await?, "exporting");
    let (mut file, mut text) = (BufWriter::new(file), ReportText::new(format, request, None));
    let failed = |error| Failure::file("write", path)(error);
    file.write_all(text.head().as_bytes()).map_err(failed)?;
    let mut entries = 0;
    each_page(store, request, |rows| {
        file.write_all(page(&mut text, rows)?.as_bytes()).map_err(failed)?;
        entries += rows.len() as u64;
        bar.set_position(entries);
        Ok(())
    })
    .await?;
    bar.finish_and_clear();
    file.write_all(text.tail().as_bytes()).map_err(failed)?;
    let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)?;
    Ok(entries)
}
