//! The command line, and one file for each command, which opens with what the command does and does not do.

mod analyze;
mod audit;
mod bans;
mod completions;
mod config;
mod customers;
mod data;
mod doctor;
mod init;
mod keys;
mod ledger;
mod man;
mod migrate;
mod reconcile;
mod secrets;
mod storage;
mod webhooks;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

const AFTER_HELP: &str = "\
Exit codes:
  0  success
  1  invalid arguments
  2  something else must be fixed first, such as the settings; nothing was changed
  3  a check found problems
  4  failed part-way; completed steps are listed
  5  another rotation of the same secret is in progress; nothing was changed

The value of a secret is never an argument. It is typed at a hidden prompt, or read from standard input or a file.";

/// Operate InvestIQ: analyses, deployments, secrets, settings, API keys, webhooks, the ledger and the audit chain
#[derive(Debug, clap::Parser)]
#[command(name = "investiq", version, after_help = AFTER_HELP, arg_required_else_help = true)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Prepare a host to run the server with Compose: .env and secrets
    Init(init::Arguments),
    /// Check the machine and the files of a deployment
    Doctor(doctor::Arguments),
    /// Analyze a symbol, without a server
    Analyze(analyze::Arguments),
    /// Create, store, check and rotate secrets
    #[command(subcommand)]
    Secrets(secrets::Command),
    /// Check the settings
    #[command(subcommand)]
    Config(config::Command),
    /// Check market data of one's own
    #[command(subcommand)]
    Data(data::Command),
    /// Create, list, rotate and revoke API keys
    #[command(subcommand)]
    Keys(keys::Command),
    /// List, add and lift bans of networks
    #[command(subcommand)]
    Bans(bans::Command),
    /// Send, inspect, replay and clean up webhook deliveries
    #[command(subcommand)]
    Webhooks(webhooks::Command),
    /// Post journals by hand, resolve reviews, print reports, and verify and restore the books
    #[command(subcommand)]
    Ledger(ledger::Command),
    /// Compare the statement of a provider with the books
    Reconcile(reconcile::Arguments),
    /// Link accounts of one customer at several providers
    #[command(subcommand)]
    Customers(customers::Command),
    /// Verify and export the audit chain
    #[command(subcommand)]
    Audit(audit::Command),
    /// Show the migrations of the database, and apply those that are pending
    Migrate(migrate::Arguments),
    /// Continue with a database that was replaced
    #[command(subcommand)]
    Storage(storage::Command),
    /// Print shell completions
    Completions(completions::Arguments),
    /// Write the man pages to a directory
    Man(man::Arguments),
}

pub(crate) async fn run(line: CommandLine, console: &mut Console) -> Result<Exit, Failure> {
    let uses_database = matches!(&line.command, Command::Keys(command) if command.uses_database());
    let uses_database = uses_database
        || matches!(
            line.command,
            Command::Webhooks(_)
                | Command::Ledger(_)
                | Command::Reconcile(_)
                | Command::Customers(_)
                | Command::Audit(_)
                | Command::Storage(_)
        );
    if uses_database {
        // The database of the server.
        console.read_dotenv(console.environment().clone())?;
    }
    match line.command {
        Command::Init(arguments) => init::run(&arguments, console),
        Command::Doctor(arguments) => doctor::run(&arguments, console).await,
        Command::Analyze(arguments) => analyze::run(&arguments, console).await,
        Command::Secrets(command) => Box::pin(secrets::run(command, console)).await,
        Command::Config(command) => config::run(command, console).await,
        Command::Data(command) => data::run(&command, console),
        Command::Keys(command) => keys::run(command, console).await,
        Command::Webhooks(command) => webhooks::run(command, console).await,
        Command::Ledger(command) => ledger::run(command, console).await,
        Command::Reconcile(arguments) => reconcile::run(&arguments, console).await,
        Command::Customers(command) => customers::run(&command, console).await,
        Command::Bans(command) => bans::run(&command, console).await,
        Command::Audit(command) => audit::run(&command, console).await,
        Command::Migrate(arguments) => migrate::run(&arguments, console).await,
        Command::Storage(command) => storage::run(&command, console).await,
        Command::Completions(arguments) => completions::run(&arguments, console),
        Command::Man(arguments) => man::run(&arguments, console),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent_and_none_takes_the_value_of_a_secret() {
        CommandLine::command().debug_assert();
        let mut commands = vec![CommandLine::command()];
        while let Some(command) = commands.pop() {
            for argument in command.get_arguments() {
                assert!(!["value", "secret", "password"].contains(&argument.get_id().as_str()), "{argument}");
            }
            commands.extend(command.get_subcommands().cloned());
        }
    }

    /// Every command without subcommands, with its path.
    fn leaves(command: &clap::Command, path: &str) -> Vec<(String, clap::Command)> {
        if !command.has_subcommands() {
            return vec![(path.to_owned(), command.clone())];
        }
        let below = command.get_subcommands();
        below.flat_map(|below| leaves(below, &format!("{path} {}", below.get_name()))).collect()
    }

    #[test]
    fn every_help_has_examples_that_are_valid() {
        for (path, command) in leaves(&CommandLine::command(), "investiq") {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples = help.strip_prefix("Examples:\n").unwrap_or_default();
            assert!(!examples.is_empty(), "`{path} --help` has no examples");
            for example in examples.lines() {
                // Without what is before a pipe and after a redirection.
                let line = example.rsplit_once("| ").map_or(example, |(_, line)| line);
                let line = line.split(" > ").next().unwrap().trim();
                let parsed = CommandLine::command().try_get_matches_from(line.split_whitespace());
                assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
            }
            assert!(examples.contains(&path), "`{path} --help` shows another command");
        }
    }

    /// These print a script, files, JSON lines that are read again, or have an option for the format.
    const WITHOUT_JSON: [&str; 7] = [
        "investiq completions",
        "investiq man",
        "investiq audit export",
        "investiq audit checkpoint",
        "investiq ledger report",
        "investiq ledger export",
        "investiq reconcile",
    ];

    #[test]
    fn every_command_that_prints_data_can_print_json() {
        for (path, command) in leaves(&CommandLine::command(), "investiq") {
            let has_json = command.get_arguments().any(|argument| argument.get_long() == Some("json"));
            assert_eq!(has_json, !WITHOUT_JSON.contains(&path.as_str()), "{path}");
        }
    }

    #[test]
    fn the_help_lists_every_exit_code() {
        let all =
            [Exit::Success, Exit::Usage, Exit::Precondition, Exit::Findings, Exit::Failed, Exit::Conflict];
        for exit in all {
            assert!(AFTER_HELP.contains(&format!("\n  {}  ", exit.code())), "{exit:?}");
        }
    }
}
