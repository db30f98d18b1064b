//! `investiq secrets audit`: verifies the log of changes that this command made in AWS.

use serde::Serialize;

use crate::change_log;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::OutputFormat;
use crate::state_directory::StateArguments;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  investiq secrets audit")]
pub(crate) struct Arguments {
    #[command(flatten)]
    state: StateArguments,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Serialize)]
struct Verification {
    file: String,
    intact: bool,
    lines: Option<usize>,
    /// The first line that does not match the hash of the line before.
    damaged_line: Option<usize>,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let path = arguments.state.open(console)?.change_log();
    let result = change_log::verify(&path)?;
    let (intact, lines, damaged_line) = (result.is_ok(), result.ok(), result.err());
    let verification = Verification { file: path.display().to_string(), intact, lines, damaged_line };
    arguments.output.print(console, "investiq.secrets.audit.v1", &verification, text)?;
    Ok(if intact { Exit::Success } else { Exit::Findings })
}

fn text(Verification { file, lines, damaged_line, .. }: &Verification) -> String {
    match (lines, damaged_line) {
        (Some(lines), _) => format!("{file}: intact: {lines} lines\n"),
        (None, line) => {
            let line = line.unwrap_or_default();
            format!("{file}: damaged: line {line} does not match the hash of the line before\n")
        }
    }
}
