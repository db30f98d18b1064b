//! `investiq keys generate`: a new key, shown once on a terminal or written to a new file that its owner alone can read.
//!
//! It does not put the key in force: add the line to the secret `api_keys`, where the server picks it up.

use std::path::{Path, PathBuf};

use api_server::keys::{Environment, Role};

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::generation;
use crate::local_file;

/// What a key is for; it becomes part of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Purpose {
    /// Real money
    Live,
    /// Simulated money
    Paper,
    /// Tests
    Test,
}

/// What a key allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Allowance {
    /// Reads
    Viewer,
    /// Reads and trades
    Trader,
    /// Reads, trades and administers
    Admin,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What the key is for
    #[arg(long = "env", value_enum, default_value = "live")]
    purpose: Purpose,
    /// What it allows
    #[arg(long, value_enum, default_value = "viewer")]
    role: Allowance,
    /// Write it to this new file instead of the terminal
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl From<Purpose> for Environment {
    fn from(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Live => Self::Live,
            Purpose::Paper => Self::Paper,
            Purpose::Test => Self::Test,
        }
    }
}

impl From<Allowance> for Role {
    fn from(allowance: Allowance) -> Self {
        match allowance {
            Allowance::Viewer => Self::Viewer,
            Allowance::Trader => Self::Trader,
            Allowance::Admin => Self::Admin,
        }
    }
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    if arguments.output.is_none() && !console.is_watched() {
        let message = "a key is shown on a terminal alone: name a new file with --output";
        return Err(Failure::Precondition(message.to_owned()));
    }
    let key = generation::api_key(arguments.purpose.into(), arguments.role.into())?;
    match &arguments.output {
        Some(path) => write(path, &key)?,
        None => console.answer(&format!("{}\n", key.entry.expose_text().unwrap_or_default()))?,
    }
    console.say(&format!(
        "key {}: the server's log calls it so. It is shown this once; add it to api_keys.",
        key.label
    ));
    Ok(Exit::Good)
}

fn write(path: &Path, key: &generation::ApiKey) -> Result<(), Failure> {
    local_file::create_private(path, key.entry.expose()).map_err(Failure::file("creating", path))
}
