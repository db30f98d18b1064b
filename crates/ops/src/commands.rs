//! Every command. Each file opens with what its command does, and what it leaves alone.

mod audit;
mod completions;
mod config;
mod keys;
mod secrets;
mod webhooks;

pub(crate) use self::keys::ModeName;

use crate::command_line::CommandLine;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

/// What can be asked for.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Make, place, check and change secrets
    #[command(subcommand)]
    Secrets(secrets::Command),
    /// Check the settings
    #[command(subcommand)]
    Config(config::Command),
    /// Make API keys
    #[command(subcommand)]
    Keys(keys::Command),
    /// Send, look at, replay and clean up deliveries of providers
    #[command(subcommand)]
    Webhooks(webhooks::Command),
    /// Check and export the audit chain
    #[command(subcommand)]
    Audit(audit::Command),
    /// Write completions for a shell to standard output
    Completions(completions::Arguments),
}

/// Does what was asked for.
pub(crate) async fn run(line: CommandLine, console: &mut Console) -> Result<Exit, Failure> {
    match line.command {
        Command::Secrets(command) => secrets::run(command, console).await,
        Command::Config(command) => config::run(command, console).await,
        Command::Keys(command) => keys::run(command, console),
        Command::Webhooks(command) => webhooks::run(command, console).await,
        Command::Audit(command) => audit::run(&command, console).await,
        Command::Completions(arguments) => completions::run(&arguments, console),
    }
}
