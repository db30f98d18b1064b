//! `investiq completions SHELL`: prints completions for a shell. It installs nothing.

use clap::CommandFactory;
use clap_complete::Shell;

use super::CommandLine;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq completions bash > ~/.local/share/bash-completion/completions/investiq"
)]
pub(crate) struct Arguments {
    /// Shell to generate completions for
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut CommandLine::command(), "investiq", &mut script);
    console.print_bytes(&script)?;
    Ok(Exit::Success)
}
