//! `investiq keys generate`: a new API key, shown once on a terminal or written to a new file that only its owner can read.
//!
//! The key is not active yet: add it to the secret `api_keys`, which the server reloads.

use std::path::PathBuf;

use config::api_keys::{KeyMode, Role};

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::generator;
use crate::named_values;
use crate::secret_file;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What the key is for; it is part of the key
    #[arg(long = "env", value_parser = named_values::key_mode(), default_value = "live")]
    mode: KeyMode,
    /// What the key allows
    #[arg(long, value_parser = named_values::role(), default_value = "viewer")]
    role: Role,
    /// Write the key to this new file instead of the terminal
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    if arguments.output.is_none() && !console.is_terminal() {
        let message = "a key is shown only on a terminal; write it to a new file with --output";
        return Err(Failure::Precondition(message.to_owned()));
    }
    let key = generator::api_key(arguments.mode, arguments.role)?;
    if let Some(path) = &arguments.output {
        secret_file::create_private(path, key.entry.expose()).map_err(Failure::file("create", path))?;
    } else {
        console.print(&format!("{}\n", key.entry.expose_text().unwrap_or_default()))?;
    }
    console.eprint(&format!(
        "key {} (its label in the log) is shown only this once; add it to the secret api_keys",
        key.label
    ));
    Ok(Exit::Success)
}
