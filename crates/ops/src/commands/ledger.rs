//! `investiq ledger …`: the books, verified against the audit chain and restored from it.

mod rebuild;
mod verify;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Verify the books: events, facts, entries, balances and positions against the audit chain
    Verify(verify::Arguments),
    /// Restore damaged books from authenticated deliveries and the audit chain
    Rebuild(rebuild::Arguments),
}

pub(crate) async fn run(command: &Command, console: &mut Console) -> Result<Exit, Failure> {
    match command {
        Command::Verify(arguments) => verify::run(arguments, console).await,
        Command::Rebuild(arguments) => rebuild::run(arguments, console).await,
    }
}
