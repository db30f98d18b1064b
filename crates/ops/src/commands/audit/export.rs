//! `investiq audit export`: the chain as JSON lines, which `audit verify --file` and others verify without the database.
//! It is verified during the export; the export of a damaged chain ends before the damage, without a head.

use std::io::{BufWriter, Write};
use std::path::PathBuf;

use audit::{ChainError, Head, Verifier, export};
use store::Store;
use telemetry::with_causes;

use super::verify::{self, Verification};
use crate::console::Console;
use crate::database::{DatabaseLocation, open_any};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::secret_file;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq audit export --output chain.jsonl\n  investiq audit verify --file chain.jsonl"
)]
pub(crate) struct Arguments {
    /// Write to this new file instead of standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let DatabaseLocation { config, url, key, missing_key, .. } = DatabaseLocation::find(console).await?;
    let store = match open_any(config.store(url), key.clone(), console).await {
        Ok(store) => store,
        Err(error) => return verify::report_open_error(error, &missing_key, console),
    };
    let target: Box<dyn Write> = match &arguments.output {
        Some(path) => Box::new(secret_file::create(path).map_err(Failure::file("create", path))?),
        None => Box::new(std::io::stdout().lock()),
    };
    let mut target = BufWriter::new(target);
    let outcome = write(&store, &key, &mut target, console).await;
    target.flush()?;
    match outcome? {
        Ok(entries) => {
            console.eprint(&format!("exported {entries} entries"));
            Ok(Exit::Success)
        }
        Err(error) => {
            let found = Verification::from(error).with_hint(&missing_key);
            Ok(found.report("; the export ends before it", console))
        }
    }
}

/// Writes the entries up to the current head. The outer error is about reading or writing.
async fn write(
    store: &Store,
    key: &audit::Key,
    target: &mut impl Write,
    console: &Console,
) -> Result<Result<u64, ChainError>, Failure> {
    let head = match store.audit_head().await?.verify(key) {
        Ok(head) => head,
        Err(error) => return Ok(Err(error)),
    };
    let bar = console.progress_bar(head.sequence(), "exporting");
    let mut verifier = Verifier::new(key);
    writeln!(target, "{}", export::first_line())?;
    let mut after = 0;
    while after < head.sequence() {
        let page = store.audit_page(after).await?;
        let Some(last) = page.last().map(|entry| entry.sequence) else { break };
        for entry in page.iter().filter(|entry| entry.sequence <= head.sequence()) {
            if let Err(error) = verifier.feed(entry) {
                return Ok(Err(error));
            }
            writeln!(target, "{}", export::entry_line(entry))?;
        }
        after = last;
        bar.set_position(after.min(head.sequence()));
    }
    bar.finish_and_clear();
    if let Err(error) = verifier.finish(&head).and(check_nothing_beyond(store, &head).await?) {
        return Ok(Err(error));
    }
    writeln!(target, "{}", export::head_line(&head))
        .map_err(|error| Failure::Incomplete(with_causes(&error)))?;
    Ok(Ok(head.sequence()))
}

/// Entries beyond the head are damage unless the head has advanced meanwhile.
async fn check_nothing_beyond(store: &Store, head: &Head) -> Result<Result<(), ChainError>, Failure> {
    let has_more = !store.audit_page(head.sequence()).await?.is_empty();
    if has_more && store.audit_head().await?.sequence <= head.sequence() {
        return Ok(Err(ChainError::BeyondHead { sequence: head.sequence() + 1 }));
    }
    Ok(Ok(()))
}
