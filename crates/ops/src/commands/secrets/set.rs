//! `investiq secrets set NAME`: one secret, to a value that is typed or read, judged before it is written.

use std::path::{Path, PathBuf};

use secrets::aws::Token;
use secrets::{Class, Error, Notice, Origin, SecretSpec, rotation};
use serde::Serialize;

use crate::account::{Account, AccountArguments};
use crate::console::Console;
use crate::document::{self, Form};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::judge::judge;
use crate::local_file::{self, Existing, SecretDirectory, Written};
use crate::typed::Source;

use super::declared;

/// What came of a value that was there.
const REPLACED: &str = "replaced";
/// Where files of one's own lie.
const DIRECTORY: &str = "secrets";

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The secret
    name: String,
    #[command(flatten)]
    source: Source,
    /// Where to put it; files go to `secrets` unless --directory says else
    #[arg(long, value_enum, default_value = "files")]
    to: Destination,
    /// Take the place of a value that is there
    #[arg(long)]
    replace: bool,
    /// Judge it, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    account: AccountArguments,
    #[command(flatten)]
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Destination {
    /// A directory of one's own
    Files,
    /// AWS Secrets Manager
    Aws,
}

#[derive(Serialize)]
struct Body<'a> {
    name: &'a str,
    outcome: &'static str,
    warnings: Vec<String>,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let spec = declared(&arguments.name)?;
    let (outcome, notices) = match arguments.to {
        Destination::Files => to_file(arguments, &spec, console).await?,
        Destination::Aws => to_aws(arguments, &spec, console).await?,
    };
    let mut warnings: Vec<String> = notices.iter().map(ToString::to_string).collect();
    warnings.extend(in_one_step(arguments.to, &spec, outcome));
    warnings.iter().for_each(|warning| console.say(&format!("warning: {warning}")));
    if arguments.form.json {
        let body = Body { name: spec.name.as_str(), outcome, warnings };
        document::answer(console, "investiq.secrets.set.v1", &body)?;
    } else {
        console.answer(&format!("{outcome} {}\n", spec.name))?;
    }
    Ok(Exit::Good)
}

/// What we verify others by, replaced at once: some process uses it before another one accepts it.
fn in_one_step(to: Destination, spec: &SecretSpec, outcome: &str) -> Option<String> {
    let is_verified = matches!(spec.class, Class::SigningKey | Class::WebhookSecret | Class::AccessList);
    let seconds = rotation::emergency_bound(spec).as_secs();
    let name = &spec.name;
    (to == Destination::Aws && outcome == REPLACED && is_verified).then(|| {
        format!("every process has it within {seconds} s, and until then one may refuse what another accepts: investiq secrets rotate {name} avoids that")
    })
}

async fn to_file(
    arguments: &Arguments,
    spec: &SecretSpec,
    console: &Console,
) -> Result<(&'static str, Vec<Notice>), Failure> {
    let directory = arguments.account.place.directory.as_deref().unwrap_or(Path::new(DIRECTORY));
    let path: PathBuf = directory.join(spec.name.as_str());
    let is_there = || Failure::Precondition(format!("{} is there: --replace it", path.display()));
    if local_file::exists(&path) && !arguments.replace {
        return Err(is_there());
    }
    let place = Origin::SecretFile { path: path.clone() };
    // The strictest rules by default, because files are copied to servers.
    let profile = arguments.account.place.profile.unwrap_or(config::Profile::Production);
    let judged = judge(spec, arguments.source.read(spec)?, place, profile, console).await?;
    if arguments.dry_run {
        return Ok(("acceptable", judged.notices));
    }
    let existing = if arguments.replace { Existing::Replace } else { Existing::Keep };
    let written =
        SecretDirectory::open(directory)?.write(spec.name.as_str(), judged.value.expose(), existing)?;
    match written {
        Written::Created => Ok(("created", judged.notices)),
        Written::Replaced => Ok((REPLACED, judged.notices)),
        Written::Kept => Err(is_there()),
    }
}

async fn to_aws(
    arguments: &Arguments,
    spec: &SecretSpec,
    console: &Console,
) -> Result<(&'static str, Vec<Notice>), Failure> {
    let Account { manager, profile, .. } = arguments.account.open(console).await?;
    let place = manager.origin(&spec.name);
    let was_there = match manager.describe(&spec.name).await {
        Ok(_) => true,
        Err(Error::NotFound { .. }) => false,
        Err(error) => return Err(error.into()),
    };
    if was_there && !arguments.replace {
        return Err(Failure::Precondition(format!("{place} is there: --replace it")));
    }
    let judged = judge(spec, arguments.source.read(spec)?, place, profile, console).await?;
    if arguments.dry_run {
        return Ok(("acceptable", judged.notices));
    }
    manager.set(spec, &judged.value, &Token::random()?).await?;
    Ok((if was_there { REPLACED } else { "created" }, judged.notices))
}
