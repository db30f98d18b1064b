//! `investiq keys generate`: a new API key, shown once on a terminal or written to a new file that only its owner can read.
//!
//! The key is not active yet: add it to the secret `api_keys`, which the server reloads.

use std::path::PathBuf;

use config::api_keys::{KeyMode, Role};
use secrets::SecretValue;
use serde::Serialize;

use crate::api_key_list;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::generator;
use crate::git_ignore;
use crate::named_values;
use crate::output::OutputFormat;
use crate::secret_file;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq keys generate\n  investiq keys generate --role admin --output new-key\n  investiq keys generate --accounts alpaca:a1+c-1042"
)]
pub(crate) struct Arguments {
    /// What the key is for; it is part of the key
    #[arg(long = "env", value_parser = named_values::key_mode(), default_value = "live")]
    mode: KeyMode,
    /// What the key allows
    #[arg(long, value_parser = named_values::role(), default_value = "viewer")]
    role: Role,
    /// The accounts and customers whose books the key may read, separated by +. By default all
    #[arg(long, value_name = "LIST")]
    accounts: Option<String>,
    /// Write the key to this new file instead of the terminal
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    format: OutputFormat,
}

#[derive(Serialize)]
struct Generated<'a> {
    label: String,
    /// Only on a terminal.
    key: Option<&'a str>,
    file: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    if arguments.output.is_none() && !console.is_terminal() {
        let message = "a key is shown only on a terminal; write it to a new file with --output";
        return Err(Failure::Precondition(message.to_owned()));
    }
    arguments.output.as_deref().map_or(Ok(()), |file| git_ignore::check(&[file]))?;
    let mut key = generator::api_key(arguments.mode, arguments.role)?;
    if let Some(accounts) = &arguments.accounts {
        let entry = format!("{}[{accounts}]", key.entry.expose_text().unwrap_or_default());
        api_key_list::parse(&entry).map_err(|error| Failure::Precondition(error.to_string()))?;
        key.entry = SecretValue::from_string(entry);
    }
    if let Some(path) = &arguments.output {
        secret_file::create_private(path, key.entry.expose()).map_err(Failure::file("create", path))?;
    }
    let file = arguments.output.as_ref().map(|path| path.display().to_string());
    let shown = key.entry.expose_text().filter(|_| file.is_none());
    let generated = Generated { label: key.label.to_string(), key: shown, file };
    arguments.format.print(console, "investiq.keys.generate.v1", &generated, |generated| {
        generated.key.map(|key| format!("{key}\n")).unwrap_or_default()
    })?;
    console.eprint(&format!(
        "key {} (its label in the log) is shown only this once; add it to the secret api_keys",
        key.label
    ));
    Ok(Exit::Success)
}
