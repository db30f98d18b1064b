//! `investiq data …`: market data of one's own.

mod check;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Check CSV files of daily bars as the server reads them
    Check(check::Arguments),
}

pub(crate) fn run(command: &Command, console: &mut Console) -> Result<Exit, Failure> {
    match command {
        Command::Check(arguments) => check::run(arguments, console),
    }
}
