//! `investiq secrets init`: generates secrets as files in a directory that only its owner can enter.
//!
//! Existing files are kept, so that it can be run again. Secrets that somebody else issues are listed as to be set.

use std::path::{Path, PathBuf};

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
use crate::older_keys::with_keys_of_file;
use crate::outcome::{Outcome, SecretOutcome};
use crate::output::OutputFormat;
use crate::secret_file::{self, Existing};
use crate::secret_lookup;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  investiq secrets init\n  investiq secrets init --replace audit_key")]
pub(crate) struct Arguments {
    /// Directory to write to [default: that of the server: SECRETS_DIR, or in development `secrets`]
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Replace this secret if it exists, and keep its old value beside it; can be repeated
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
    let directory = secret_lookup::directory(arguments.directory.as_deref(), console);
    console.eprint(&format!("directory of secrets: {}", directory.display()));
    let secrets = match arguments.dry_run {
        true => plan(&directory, &replaced)?,
        false => generate(&directory, arguments.mode, &replaced, console)?,
    };
    let directory = directory.display().to_string();
    let result = Initialization { directory, dry_run: arguments.dry_run, secrets };
    let option = arguments.directory.as_ref().map(|given| format!(" --directory {}", given.display()));
    arguments.output.print(console, "investiq.secrets.init.v1", &result, |result| {
        let line = |secret: &SecretOutcome| secret.text(option.as_deref().unwrap_or_default());
        result.secrets.iter().map(line).collect()
    })?;
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
    path: &Path,
    mode: KeyMode,
    replaced: &[SecretSpec],
    console: &mut Console,
) -> Result<Vec<SecretOutcome>, Failure> {
    let directory = secret_layout::open(path, console)?;
    let outcome = |spec: &SecretSpec| {
        let name = secret_file::name_in(path, spec)?;
        let path = path.join(&name);
        let existing = existing(spec, replaced);
        match Generator::for_secret(spec) {
            _ if secret_file::exists(&path) && existing == Existing::Keep => Ok(Outcome::Kept),
            None => Ok(Outcome::ToBeSet),
            Some(generator) => {
                let value = with_keys_of_file(spec, generator.generate(spec, mode)?, &path)?;
                directory.write(&name, value.expose(), existing)
            }
        }
    };
    let catalogue = Catalogue::product();
    let outcomes = catalogue
        .iter()
        .map(|spec| Ok(SecretOutcome { name: spec.name.to_string(), outcome: outcome(spec)? }));
    let outcomes = outcomes.collect::<Result<Vec<_>, Failure>>()?;
    outcomes.iter().filter_map(SecretOutcome::kept_value).for_each(|hint| console.eprint(&hint));
    Ok(outcomes)
}

fn plan(directory: &Path, replaced: &[SecretSpec]) -> Result<Vec<SecretOutcome>, Failure> {
    let outcome = |spec: &SecretSpec| -> Result<Outcome, Failure> {
        let exists = secret_file::exists(&directory.join(secret_file::name_in(directory, spec)?));
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
