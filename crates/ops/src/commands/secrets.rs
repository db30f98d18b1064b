//! `investiq secrets …`: makes, places, finds, checks and changes secrets. None of them ever prints a value.

mod check;
mod explain;
mod init;
mod list;
mod report;
mod set;

use ::secrets::{Catalogue, SecretSpec};

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Make what can be made, as files of a directory of your own
    Init(init::Arguments),
    /// Name every secret, with its variable, file and AWS id
    List(list::Arguments),
    /// Say where a secret comes from, how old it is and what it hides
    Explain(explain::Arguments),
    /// Check every secret by the rules of a profile
    Check(check::Arguments),
    /// Show the age of each secret and when it is due
    Report(report::Arguments),
    /// Set one secret to a value that is typed, or read from a file
    Set(set::Arguments),
}

pub(crate) async fn run(command: Command, console: &mut Console) -> Result<Exit, Failure> {
    match command {
        Command::Init(arguments) => init::run(&arguments, console),
        Command::List(arguments) => list::run(&arguments, console),
        Command::Explain(arguments) => explain::run(&arguments, console).await,
        Command::Check(arguments) => check::run(&arguments, console).await,
        Command::Report(arguments) => report::run(&arguments, console).await,
        Command::Set(arguments) => set::run(&arguments, console).await,
    }
}

/// What is declared of a secret; either spelling of its name will do.
fn declared(name: &str) -> Result<SecretSpec, Failure> {
    let undeclared = || Failure::Undeclared(name.to_owned());
    let parsed: ::secrets::SecretName = name.parse().map_err(|_| undeclared())?;
    Catalogue::product().get(parsed.as_str()).cloned().ok_or_else(undeclared)
}
