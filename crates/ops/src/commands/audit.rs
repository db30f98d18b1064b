//! `investiq audit …`: the chain of what was done. It adds nothing to it.

mod export;
mod head;
mod verify;
mod witness;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Check the whole chain, in the database or in an export
    Verify(verify::Arguments),
    /// Write the chain as JSON lines that can be checked by themselves
    Export(export::Arguments),
    /// Print the sealed head, to be kept where the database's writers cannot reach it
    Head,
}

pub(crate) async fn run(command: &Command, console: &mut Console) -> Result<Exit, Failure> {
    match command {
        Command::Verify(arguments) => verify::run(arguments, console).await,
        Command::Export(arguments) => export::run(arguments, console).await,
        Command::Head => head::run(console).await,
    }
}
