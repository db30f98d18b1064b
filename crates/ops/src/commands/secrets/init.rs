//! `investiq secrets init`: generates secrets as files in a directory that only its owner can enter.
//!
//! Existing files are kept, so that it can be run again. Secrets that somebody else issues are listed as to be set.

use std::path::PathBuf;

use config::api_keys::KeyMode;
use secrets::{Catalogue, SecretSpec};
use serde::Serialize;

use super::find_spec;
use crate::console::Console;
use crate::deployment::secret_layout;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::generator::Generator;
use crate::named_values;
use crate::outcome::{Outcome, SecretOutcome};
use crate::output::OutputFormat;
use crate::secret_file::{self, Existing};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Directory to write to
    #[arg(long, value_name = "DIR", default_value = "secrets")]
    directory: PathBuf,
    /// Replace this secret if it exists; can be repeated
    #[arg(long, value_name = "NAME")]
    replace: Vec<String>,
    /// Environment of the first API key
    #[arg(long = "env", value_parser = named_values::key_mode(), default_value = "live")]
    mode: KeyMode,
    /// Show what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Serialize)]
struct Initialization {
    directory: String,
    dry_run: bool,
    secrets: Vec<SecretOutcome>,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let replaced = replaced(&arguments.replace)?;
    let secrets = if arguments.dry_run {
        plan(arguments, &replaced)?
    } else {
        generate(arguments, &replaced, console)?
    };
    let directory = arguments.directory.display().to_string();
    let result = Initialization { directory, dry_run: arguments.dry_run, secrets };
    arguments.output.print(console, "investiq.secrets.init.v1", &result, text)?;
    Ok(Exit::Success)
}

/// The secrets to be replaced, each of which must be known and be one that can be generated.
fn replaced(names: &[String]) -> Result<Vec<SecretSpec>, Failure> {
    let replaced = |name: &String| {
        let spec = find_spec(name)?;
        match Generator::for_secret(&spec) {
            Some(_) => Ok(spec),
            None => Err(Failure::Usage(format!(
                "{name} cannot be generated here: use `investiq secrets set {name}`"
            ))),
        }
    };
    names.iter().map(replaced).collect()
}

fn existing(spec: &SecretSpec, replaced: &[SecretSpec]) -> Existing {
    let is_replaced = replaced.iter().any(|replaced| replaced.name == spec.name);
    if is_replaced { Existing::Replace } else { Existing::Keep }
}

fn generate(
    arguments: &Arguments,
    replaced: &[SecretSpec],
    console: &mut Console,
) -> Result<Vec<SecretOutcome>, Failure> {
    let directory = secret_layout::open(&arguments.directory)?;
    if directory.was_open {
        console.eprint("others had rights in the directory that they do not need; these were removed");
    }
    let outcome = |spec: &SecretSpec| {
        let name = secret_file::name_in(&arguments.directory, spec)?;
        let existing = existing(spec, replaced);
        match Generator::for_secret(spec) {
            _ if secret_file::exists(&arguments.directory.join(&name)) && existing == Existing::Keep => {
                Ok(Outcome::Kept)
            }
            None => Ok(Outcome::ToBeSet),
            Some(generator) => {
                let value = generator.generate(spec, arguments.mode)?;
                directory.write(&name, value.expose(), existing)
            }
        }
    };
    let secrets = Catalogue::product();
    let secrets =
        secrets.iter().map(|spec| Ok(SecretOutcome { name: spec.name.to_string(), outcome: outcome(spec)? }));
    secrets.collect()
}

fn plan(arguments: &Arguments, replaced: &[SecretSpec]) -> Result<Vec<SecretOutcome>, Failure> {
    let outcome = |spec: &SecretSpec| -> Result<Outcome, Failure> {
        let name = secret_file::name_in(&arguments.directory, spec)?;
        let exists = secret_file::exists(&arguments.directory.join(name));
        Ok(match (exists, existing(spec, replaced), Generator::for_secret(spec)) {
            (true, Existing::Keep, _) => Outcome::Kept,
            (true, Existing::Replace, _) => Outcome::Replaced,
            (false, _, Some(_)) => Outcome::Created,
            (false, _, None) => Outcome::ToBeSet,
        })
    };
    let secrets = Catalogue::product();
    let secrets =
        secrets.iter().map(|spec| Ok(SecretOutcome { name: spec.name.to_string(), outcome: outcome(spec)? }));
    secrets.collect()
}

fn text(Initialization { directory, secrets, .. }: &Initialization) -> String {
    secrets.iter().map(|secret| secret.text(&format!("--directory {directory}"))).collect()
}
