//! `investiq man DIR`: writes one man page for each command. Pages that exist are overwritten.

use std::path::PathBuf;

use clap::CommandFactory;

use super::CommandLine;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  investiq man ~/.local/share/man/man1")]
pub(crate) struct Arguments {
    /// Existing directory to write to
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let Arguments { directory } = arguments;
    clap_mangen::generate_to(CommandLine::command(), directory)
        .map_err(Failure::file("write the man pages to", directory))?;
    console.eprint(&format!("read them with: man {}", directory.join("investiq.1").display()));
    Ok(Exit::Success)
}
