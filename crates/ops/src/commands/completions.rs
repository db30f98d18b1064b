//! `investiq completions SHELL`: completions for a shell. It installs nothing.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::command_line::CommandLine;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut CommandLine::command(), "investiq", &mut script);
    console.answer(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Good)
}
