//! `investiq keys …`: keys of callers of the API.

mod generate;

pub(crate) use generate::ModeName;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Make a key and show it once, on a terminal or in a new file
    Generate(generate::Arguments),
}

pub(crate) fn run(command: Command, console: &mut Console) -> Result<Exit, Failure> {
    match command {
        Command::Generate(arguments) => generate::run(&arguments, console),
    }
}
