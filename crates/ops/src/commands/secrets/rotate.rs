//! `investiq secrets rotate NAME`: begins to replace a secret in AWS Secrets Manager.
//!
//! The new value is made or read, stored beside the old one and announced: every process accepts it, none uses it yet.
//! `resume` lets it take over. A secret in a file or a variable is changed where it is kept; this says how.

use secrets::rotation::{self, NewValue, Rotation, Terms};
use secrets::{SecretSpec, SourceKind};

use crate::account::{Account, AccountArguments};
use crate::console::Console;
use crate::document::Form;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::generation::Recipe;
use crate::judge::judge;
use crate::rotating::Standing;
use crate::survey::Survey;
use crate::typed::Source;

use super::declared;

/// Longest life of what is signed with a secret, in seconds, unless the operator says else.
const TOKEN_LIFE_S: u64 = 3600;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The secret
    name: String,
    #[command(flatten)]
    source: Source,
    /// Longest life of what is signed with it, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = TOKEN_LIFE_S)]
    token_life_s: u64,
    /// What a new API key is for
    #[arg(long = "env", value_enum, default_value = "live")]
    purpose: crate::commands::keys::Purpose,
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    account: AccountArguments,
    #[command(flatten)]
    form: Form,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let spec = declared(&arguments.name)?;
    refuse_other_places(arguments, &spec, console).await?;
    let account = arguments.account.open(console).await?;
    account.verify(&spec.name).await?;
    if arguments.dry_run {
        let next = "a rotation would be begun";
        Standing::without_plan(&spec, next).answer(console, arguments.form)?;
        return Ok(Exit::Good);
    }
    let value = new_value(arguments, &account, &spec, console).await?;
    let (terms, plan) = (terms(arguments, &spec), account.state.plan(&spec.name));
    let mut rotation = Rotation::begin(&account.manager, &spec, console.clock(), plan, &terms).await?;
    console.progress(1, 2, "planned");
    rotation.create(&value).await?;
    console.progress(2, 2, "stored and announced");
    Standing::of(&spec, &rotation.status()).answer(console, arguments.form)?;
    Ok(Exit::Good)
}

fn terms(arguments: &Arguments, spec: &SecretSpec) -> Terms {
    Terms::of(spec, std::time::Duration::from_secs(arguments.token_life_s))
}

/// A new value in AWS changes nothing for a server that finds another one before it.
async fn refuse_other_places(
    arguments: &Arguments,
    spec: &SecretSpec,
    console: &Console,
) -> Result<(), Failure> {
    let place = arguments.account.place.resolve(console)?;
    let survey = Survey::of(&place, console).await?;
    let found = survey.report.get(spec.name.as_str()).and_then(|entry| entry.version.as_ref());
    let elsewhere = found.filter(|version| version.origin.kind() != SourceKind::Aws);
    let refused = elsewhere.and_then(|version| rotation::writable(&version.origin).err());
    match refused {
        Some(error) => Err(Failure::Precondition(format!("{error}. {}", instructions(spec)))),
        None => Ok(()),
    }
}

fn instructions(spec: &SecretSpec) -> String {
    let name = &spec.name;
    let how = match Recipe::of(spec) {
        Some(_) => format!("investiq secrets init --replace {name}"),
        None => format!("investiq secrets set {name} --replace"),
    };
    format!("Where its file is kept: `{how}`, and the server takes the new value within a minute")
}

/// The value that was brought; else one that is made here; else a question.
async fn new_value(
    arguments: &Arguments,
    account: &Account,
    spec: &SecretSpec,
    console: &Console,
) -> Result<NewValue, Failure> {
    match Recipe::of(spec).filter(|_| !arguments.source.is_named()) {
        Some(Recipe::Key) => Ok(NewValue::Generated),
        Some(recipe) => Ok(NewValue::Given(recipe.make(spec, arguments.purpose.into())?)),
        None => {
            let raw = arguments.source.read(spec)?;
            let place = account.manager.origin(&spec.name);
            Ok(NewValue::Given(judge(spec, raw, place, account.rules, console).await?.value))
        }
    }
}
