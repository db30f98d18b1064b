//! `investiq audit export`: the chain as JSON lines, which `audit verify --file` and others check without the database. It is
//! checked while it is written: a damaged chain is exported as far as it is whole, and said to be damaged.

use std::io::{BufWriter, Write};
use std::path::PathBuf;
use telemetry::with_causes;

use audit::{ChainError, Head, Verifier, export};
use store::Store;

use crate::console::Console;
use crate::database::{DatabaseLocation, open};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::local_file;

use super::verify;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Write it to this new file instead of standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let DatabaseLocation { config: _, url, key } = DatabaseLocation::find(console).await?;
    let store = match open(url, key.clone(), console).await {
        Ok(store) => store,
        Err(error) => return verify::not_opened(error, console),
    };
    let target: Box<dyn Write> = match &arguments.output {
        Some(path) => Box::new(local_file::new_private(path).map_err(Failure::file("creating", path))?),
        None => Box::new(std::io::stdout().lock()),
    };
    let mut target = BufWriter::new(target);
    let outcome = write(&store, &key, &mut target, console).await;
    target.flush()?;
    match outcome? {
        Ok(entries) => {
            console.say(&format!("{entries} entries"));
            Ok(Exit::Good)
        }
        Err(fault) => {
            console.say(&format!(
                "investiq: the chain is damaged: {fault}; the export ends there, without a head"
            ));
            Ok(Exit::Found)
        }
    }
}

/// Writes entries up to the head as it is now. The outer error is about reading or writing.
async fn write(
    store: &Store,
    key: &audit::Key,
    target: &mut impl Write,
    console: &Console,
) -> Result<Result<u64, ChainError>, Failure> {
    let head = match store.audit_head().await?.verify(key) {
        Ok(head) => head,
        Err(fault) => return Ok(Err(fault)),
    };
    let bar = console.bar(head.sequence(), "exporting");
    let mut verifier = Verifier::new(key);
    writeln!(target, "{}", export::first_line())?;
    let mut after = 0;
    while after < head.sequence() {
        let page = store.audit_page(after).await?;
        let Some(last) = page.last().map(|sealed| sealed.sequence) else { break };
        for sealed in page.iter().filter(|sealed| sealed.sequence <= head.sequence()) {
            if let Err(fault) = verifier.feed(sealed) {
                return Ok(Err(fault));
            }
            writeln!(target, "{}", export::entry_line(sealed))?;
        }
        after = last;
        bar.set_position(after.min(head.sequence()));
    }
    bar.finish_and_clear();
    let ended = verifier.finish(&head).and(nothing_beyond(store, &head).await?);
    if let Err(fault) = ended {
        return Ok(Err(fault));
    }
    writeln!(target, "{}", export::head_line(&head)).map_err(|error| Failure::Broken(with_causes(&error)))?;
    Ok(Ok(head.sequence()))
}

/// What stands after the head is there because the head has moved on meanwhile, or should not be there.
async fn nothing_beyond(store: &Store, head: &Head) -> Result<Result<(), ChainError>, Failure> {
    let is_more = !store.audit_page(head.sequence()).await?.is_empty();
    if is_more && store.audit_head().await?.sequence <= head.sequence() {
        return Ok(Err(ChainError::BeyondHead { sequence: head.sequence() + 1 }));
    }
    Ok(Ok(()))
}
