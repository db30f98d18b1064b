//! `investiq secrets audit`: verifies the record of changes that this command made.

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::record;
use crate::state::StateArguments;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    state: StateArguments,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let path = arguments.state.open(console)?.record();
    let (text, exit) = match record::verify(&path)? {
        Ok(lines) => {
            (format!("{}: {lines} lines, each follows from the one before\n", path.display()), Exit::Good)
        }
        Err(line) => {
            (format!("{}: line {line} does not follow from the one before\n", path.display()), Exit::Found)
        }
    };
    console.answer(&text)?;
    Ok(exit)
}
