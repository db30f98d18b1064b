//! `investiq webhooks keygen`: generates test keys of every provider. A server does not trust them until it is given them.

use std::path::PathBuf;

use serde::Serialize;

use crate::console::Console;
use crate::dev_keys::{self, DevKeys};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::OutputFormat;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  investiq webhooks keygen")]
pub(crate) struct Arguments {
    /// Directory to write to
    #[arg(long, value_name = "DIR", default_value = dev_keys::DIRECTORY)]
    keys: PathBuf,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Serialize)]
struct Body {
    created: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let created = DevKeys::new(&arguments.keys).create(console.now())?;
    let created = created.iter().map(|path| path.display().to_string()).collect();
    arguments.output.print(
        console,
        "investiq.webhooks.keygen.v1",
        &Body { created },
        |Body { created }| created.iter().map(|path| format!("created  {path}\n")).collect(),
    )?;
    console.eprint("only a server that is configured to trust these keys accepts them; see docs/webhooks.md");
    Ok(Exit::Success)
}
