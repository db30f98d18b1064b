//! `investiq secrets init`: makes what can be made, as files of a directory that only its owner can enter.
//!
//! What is there stays, so that it can be run again at any time. What others make is named, not invented.

use std::path::PathBuf;

use secrets::{Catalogue, SecretSpec};
use serde::Serialize;

use crate::commands::ModeName;
use crate::console::Console;
use crate::document::{self, Form};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::generation::Recipe;
use crate::local_file::{self, Existing, SecretDirectory, Written};

use super::declared;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The directory
    #[arg(long, value_name = "DIR", default_value = "secrets")]
    directory: PathBuf,
    /// Make this one anew although it is there; may be repeated
    #[arg(long, value_name = "NAME")]
    replace: Vec<String>,
    /// What the first API key is for
    #[arg(long = "env", value_enum, default_value = "live")]
    mode: ModeName,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    form: Form,
}

/// What became of one secret.
#[derive(Debug, Serialize)]
struct Line {
    name: String,
    outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Created,
    Kept,
    Replaced,
    /// Somebody else makes it.
    ToBeSet,
}

#[derive(Serialize)]
struct Body<'a> {
    directory: &'a str,
    dry_run: bool,
    secrets: &'a [Line],
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let replaced = replaced(&arguments.replace)?;
    let lines =
        if arguments.dry_run { foresee(arguments, &replaced) } else { make(arguments, &replaced, console)? };
    let directory = arguments.directory.display().to_string();
    if arguments.form.json {
        let body = Body { directory: &directory, dry_run: arguments.dry_run, secrets: &lines };
        document::answer(console, "investiq.secrets.init.v1", &body)?;
    } else {
        console.answer(&text(&lines, &directory))?;
    }
    Ok(Exit::Good)
}

/// The names to be made anew: each declared, and each one that can be made.
fn replaced(names: &[String]) -> Result<Vec<SecretSpec>, Failure> {
    let replaced = |name: &String| {
        let spec = declared(name)?;
        match Recipe::for_secret(&spec) {
            Some(_) => Ok(spec),
            None => {
                Err(Failure::Usage(format!("{name} is made by others: use `investiq secrets set {name}`")))
            }
        }
    };
    names.iter().map(replaced).collect()
}

fn existing(spec: &SecretSpec, replaced: &[SecretSpec]) -> Existing {
    let is_named = replaced.iter().any(|named| named.name == spec.name);
    if is_named { Existing::Replace } else { Existing::Keep }
}

fn make(arguments: &Arguments, replaced: &[SecretSpec], console: &mut Console) -> Result<Vec<Line>, Failure> {
    let directory = SecretDirectory::open(&arguments.directory)?;
    if directory.was_open {
        console.say("the directory could be entered by others: its mode is 0700 now");
    }
    let mut lines = Vec::new();
    for spec in Catalogue::product().iter() {
        let path = arguments.directory.join(spec.name.as_str());
        let existing = existing(spec, replaced);
        let outcome = match Recipe::for_secret(spec) {
            _ if local_file::exists(&path) && existing == Existing::Keep => Outcome::Kept,
            None => Outcome::ToBeSet,
            Some(recipe) => {
                let value = recipe.generate(spec, arguments.mode.into())?;
                directory.write(spec.name.as_str(), value.expose(), existing)?.into()
            }
        };
        lines.push(Line { name: spec.name.to_string(), outcome });
    }
    Ok(lines)
}

fn foresee(arguments: &Arguments, replaced: &[SecretSpec]) -> Vec<Line> {
    let outcome = |spec: &SecretSpec| {
        let is_there = local_file::exists(&arguments.directory.join(spec.name.as_str()));
        match (is_there, existing(spec, replaced), Recipe::for_secret(spec)) {
            (true, Existing::Keep, _) => Outcome::Kept,
            (true, Existing::Replace, _) => Outcome::Replaced,
            (false, _, Some(_)) => Outcome::Created,
            (false, _, None) => Outcome::ToBeSet,
        }
    };
    let line = |spec: &SecretSpec| Line { name: spec.name.to_string(), outcome: outcome(spec) };
    Catalogue::product().iter().map(line).collect()
}

impl From<Written> for Outcome {
    fn from(written: Written) -> Self {
        match written {
            Written::Created => Self::Created,
            Written::Kept => Self::Kept,
            Written::Replaced => Self::Replaced,
        }
    }
}

fn text(lines: &[Line], directory: &str) -> String {
    let line = |line: &Line| match line.outcome {
        Outcome::Created => format!("created   {}\n", line.name),
        Outcome::Kept => format!("kept      {}\n", line.name),
        Outcome::Replaced => format!("replaced  {}\n", line.name),
        Outcome::ToBeSet => {
            format!("to be set {0}: investiq secrets set {0} --directory {directory}\n", line.name)
        }
    };
    lines.iter().map(line).collect()
}
