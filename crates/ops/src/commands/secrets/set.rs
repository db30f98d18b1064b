//! `investiq secrets set NAME`: one secret, to a value that is typed or read, judged before it is written.

use std::path::PathBuf;

use api_server::config::Profile;
use secrets::Origin;
use serde::Serialize;

use crate::command_line;
use crate::console::Console;
use crate::document::{self, Form};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::judge::judge;
use crate::local_file::{self, Existing, SecretDirectory, Written};
use crate::typed::Source;

use super::declared;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The secret
    name: String,
    #[command(flatten)]
    source: Source,
    /// The directory of secret files
    #[arg(long, value_name = "DIR", default_value = "secrets")]
    directory: PathBuf,
    /// Take the place of a value that is there
    #[arg(long)]
    replace: bool,
    /// The rules to judge it by
    #[arg(long, value_parser = command_line::profile(), default_value = "production")]
    profile: Profile,
    /// Judge it, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    form: Form,
}

#[derive(Serialize)]
struct Body<'a> {
    name: &'a str,
    outcome: &'static str,
    warnings: Vec<String>,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let spec = declared(&arguments.name)?;
    let path = arguments.directory.join(spec.name.as_str());
    let is_there = || Failure::Precondition(format!("{} is there: --replace it", path.display()));
    if local_file::exists(&path) && !arguments.replace {
        return Err(is_there());
    }
    let raw = arguments.source.read(&spec)?;
    let rules = secrets::Profile::named(Some(arguments.profile.as_str()));
    let judged = judge(&spec, raw, Origin::SecretFile { path: path.clone() }, rules, console).await?;
    let outcome = if arguments.dry_run {
        "acceptable"
    } else {
        let existing = if arguments.replace { Existing::Replace } else { Existing::Keep };
        let directory = SecretDirectory::open(&arguments.directory)?;
        match directory.write(spec.name.as_str(), judged.value.expose(), existing)? {
            Written::Created => "created",
            Written::Kept => return Err(is_there()),
            Written::Replaced => "replaced",
        }
    };
    let warnings: Vec<String> = judged.notices.iter().map(ToString::to_string).collect();
    warnings.iter().for_each(|warning| console.say(&format!("warning: {warning}")));
    if arguments.form.json {
        let body = Body { name: spec.name.as_str(), outcome, warnings };
        document::answer(console, "investiq.secrets.set.v1", &body)?;
    } else {
        console.answer(&format!("{outcome} {}\n", spec.name))?;
    }
    Ok(Exit::Good)
}
