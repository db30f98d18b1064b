//! `investiq keys generate`: a new key, shown once on a terminal or written to a new file that only its owner can read.
//!
//! The key is not active yet: add the line to the secret `api_keys`, which the server reloads.

use std::path::{Path, PathBuf};

use config::api_keys::{KeyMode, Role};

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::generation;
use crate::local_file;

/// What a key is for: it is part of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ModeName {
    /// Real money
    Live,
    /// Simulated money
    Paper,
    /// Tests
    Test,
}

/// The role of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum RoleName {
    /// May read
    Viewer,
    /// May read and trade
    Trader,
    /// May read, trade and administer
    Admin,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What the key is for
    #[arg(long = "env", value_enum, default_value = "live")]
    mode: ModeName,
    /// What the key allows
    #[arg(long, value_enum, default_value = "viewer")]
    role: RoleName,
    /// Write it to this new file instead of the terminal
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl From<ModeName> for KeyMode {
    fn from(mode: ModeName) -> Self {
        match mode {
            ModeName::Live => Self::Live,
            ModeName::Paper => Self::Paper,
            ModeName::Test => Self::Test,
        }
    }
}

impl From<RoleName> for Role {
    fn from(role: RoleName) -> Self {
        match role {
            RoleName::Viewer => Self::Viewer,
            RoleName::Trader => Self::Trader,
            RoleName::Admin => Self::Admin,
        }
    }
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    if arguments.output.is_none() && !console.is_watched() {
        let message = "a key is only shown on a terminal: write it to a new file with --output";
        return Err(Failure::Precondition(message.to_owned()));
    }
    let key = generation::api_key(arguments.mode.into(), arguments.role.into())?;
    match &arguments.output {
        Some(path) => write(path, &key)?,
        None => console.answer(&format!("{}\n", key.entry.expose_text().unwrap_or_default()))?,
    }
    console.say(&format!(
        "key {}, as the server's log names it. It is shown only once; add it to api_keys.",
        key.label
    ));
    Ok(Exit::Good)
}

fn write(path: &Path, key: &generation::ApiKey) -> Result<(), Failure> {
    local_file::create_private(path, key.entry.expose()).map_err(Failure::file("creating", path))
}
