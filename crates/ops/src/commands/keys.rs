//! `investiq keys …`: API keys, of the database and for the secret `api_keys`.

mod create;
mod generate;
mod list;
mod period;
mod revoke;
mod rotate;
mod shown;

use store::ApiKeyError;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Create an API key in the database, and print it once
    Create(create::Arguments),
    /// List API keys of the database, latest first
    List(list::List),
    /// Show an API key of the database
    Show(list::Show),
    /// Show how often an API key was used, when and from where
    Usage(list::Usage),
    /// Replace an API key by a new one with the same settings, and print it once
    Rotate(rotate::Arguments),
    /// End an API key
    Revoke(revoke::Arguments),
    /// Generate an API key for the secret api_keys and show it once, on a terminal or in a new file
    Generate(generate::Arguments),
}

impl Command {
    /// All but the one that makes a line of a secret.
    pub(crate) fn uses_database(&self) -> bool {
        !matches!(self, Self::Generate(_))
    }
}

pub(crate) async fn run(command: Command, console: &mut Console) -> Result<Exit, Failure> {
    match command {
        Command::Create(arguments) => create::run(arguments, console).await,
        Command::List(arguments) => list::list(&arguments, console).await,
        Command::Show(arguments) => list::show(&arguments, console).await,
        Command::Usage(arguments) => list::usage(&arguments, console).await,
        Command::Rotate(arguments) => rotate::run(&arguments, console).await,
        Command::Revoke(arguments) => revoke::run(&arguments, console).await,
        Command::Generate(arguments) => generate::run(&arguments, console),
    }
}

impl From<ApiKeyError> for Failure {
    fn from(error: ApiKeyError) -> Self {
        match error {
            ApiKeyError::Store(error) => error.into(),
            refusal => Self::Precondition(refusal.to_string()),
        }
    }
}
