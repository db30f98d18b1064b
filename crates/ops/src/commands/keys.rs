//! `investiq keys …`: API keys.

mod generate;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Generate an API key and show it once, on a terminal or in a new file
    Generate(generate::Arguments),
}

pub(crate) fn run(command: Command, console: &mut Console) -> Result<Exit, Failure> {
    match command {
        Command::Generate(arguments) => generate::run(&arguments, console),
    }
}
