//! `investiq secrets audit`: verifies the log of changes that this command made in AWS.

use crate::change_log;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::state_directory::StateArguments;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    state: StateArguments,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let path = arguments.state.open(console)?.change_log();
    let (result, exit) = match change_log::verify(&path)? {
        Ok(lines) => (format!("intact: {lines} lines"), Exit::Success),
        Err(line) => {
            (format!("damaged: line {line} does not match the hash of the line before"), Exit::Findings)
        }
    };
    console.print(&format!("{}: {result}\n", path.display()))?;
    Ok(exit)
}
