//! `investiq storage …`: which database the server continues.

mod accept;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Continue with the present database, although it is an older copy, another one or a new one
    Accept(accept::Arguments),
}

pub(crate) async fn run(command: &Command, console: &mut Console) -> Result<Exit, Failure> {
    match command {
        Command::Accept(arguments) => accept::run(arguments, console).await,
    }
}
