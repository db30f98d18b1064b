//! The arguments, and what the help says of all of them together.

use crate::commands::Command;

const AFTER_HELP: &str = "\
Exit codes:
  0  done, or nothing to do
  1  the arguments make no sense
  2  something has to be put right first; nothing was changed
  3  a check found what is wrong
  4  it broke off; what had been done is told
  5  somebody else is at work on the same secret; nothing was changed

A secret's value is typed at a hidden prompt, or read from standard input or a file: never an argument.";

/// The operator's command of InvestIQ.
#[derive(Debug, clap::Parser)]
#[command(name = "investiq", version, after_help = AFTER_HELP, arg_required_else_help = true)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent_and_none_takes_a_value_of_a_secret() {
        CommandLine::command().debug_assert();
        let mut commands = vec![CommandLine::command()];
        while let Some(command) = commands.pop() {
            for argument in command.get_arguments() {
                assert!(!["value", "secret", "password"].contains(&argument.get_id().as_str()), "{argument}");
            }
            commands.extend(command.get_subcommands().cloned());
        }
    }

    #[test]
    fn the_help_tells_every_exit_code() {
        let all = [Exit::Good, Exit::Usage, Exit::Precondition, Exit::Found, Exit::Failed, Exit::Conflict];
        for exit in all {
            assert!(AFTER_HELP.contains(&format!("\n  {}  ", exit.code())), "{exit:?}");
        }
    }
}
