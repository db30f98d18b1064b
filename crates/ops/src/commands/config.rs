//! `investiq config …`: the settings. It changes none.

mod check;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Check the settings as the server loads them, under the rules of a profile
    Check(check::Arguments),
}

pub(crate) async fn run(command: Command, console: &mut Console) -> Result<Exit, Failure> {
    match command {
        Command::Check(arguments) => check::run(&arguments, console).await,
    }
}
