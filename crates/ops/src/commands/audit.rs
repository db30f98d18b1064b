//! `investiq audit …`: the audit chain. It adds no entry.

pub(super) mod checkpoint;
mod export;
pub(super) mod verify;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Verify the whole chain, in the database or in an export
    Verify(verify::Arguments),
    /// Export the chain as JSON lines, which can be verified without the database
    Export(export::Arguments),
    /// Print a checkpoint: the head of the chain, to be stored outside the database
    #[command(after_help = "Examples:\n  investiq audit checkpoint > checkpoint.json")]
    Checkpoint,
}

pub(crate) async fn run(command: &Command, console: &mut Console) -> Result<Exit, Failure> {
    match command {
        Command::Verify(arguments) => verify::run(arguments, console).await,
        Command::Export(arguments) => export::run(arguments, console).await,
        Command::Checkpoint => checkpoint::run(console).await,
    }
}
