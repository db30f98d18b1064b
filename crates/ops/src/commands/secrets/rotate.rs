//! `investiq secrets rotate NAME`: begins to replace a secret in AWS Secrets Manager.
//!
//! The new value is made or read, stored beside the old one and announced: every process accepts it, none uses it yet.
//! `resume` lets it take over. A secret in a file or a variable is changed where it is kept; this says how.

use secrets::rotation::{self, Rotation, Status, Terms};
use secrets::{Class, Error, SecretSpec, SourceKind};

use crate::account::{Account, AccountArguments};
use crate::console::Console;
use crate::document::Form;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::generation::Recipe;
use crate::new_value::NewValueArguments;
use crate::rotating::{self, Standing};
use crate::survey::Survey;

use super::declared;

/// Longest life of what is signed with a secret, in seconds, unless the operator says else.
const TOKEN_LIFE_S: u64 = 3600;

#[derive(Debug, clap::Args)]
#[group(id = "which", args = ["name", "due"], required = true, multiple = false)]
pub(crate) struct Arguments {
    /// The secret
    name: Option<String>,
    /// Every secret in AWS that is older than it may be and that we make, but for encryption keys
    #[arg(long, conflicts_with_all = ["from_file", "stdin"])]
    due: bool,
    #[command(flatten)]
    value: NewValueArguments,
    /// Longest life of what is signed with it, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = TOKEN_LIFE_S)]
    token_life_s: u64,
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    account: AccountArguments,
    #[command(flatten)]
    form: Form,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let named = arguments.name.as_deref().map(declared).transpose()?;
    let place = arguments.account.place.resolve(console)?;
    let survey = Survey::of(&place, console).await?;
    match named {
        Some(spec) => {
            refuse_other_places(&survey, &spec)?;
            let account = arguments.account.open(console).await?;
            account.verify(&spec.name).await?;
            begin(arguments, &account, &spec, console).await?.answer(console, arguments.form)?;
        }
        None => {
            let account = arguments.account.open(console).await?;
            let begun = begin_due(arguments, &account, &survey, console).await?;
            rotating::answer(begun, console, arguments.form)?;
        }
    }
    Ok(Exit::Good)
}

/// Begins one rotation, up to where every process is told.
async fn begin(
    arguments: &Arguments,
    account: &Account,
    spec: &SecretSpec,
    console: &mut Console,
) -> Result<Standing, Failure> {
    if arguments.dry_run {
        return Ok(Standing::without_plan(spec, "a rotation would be begun"));
    }
    let value = arguments.value.value(account, spec, console).await?;
    let terms = Terms::of(spec, std::time::Duration::from_secs(arguments.token_life_s));
    let (manager, plan) = (&account.manager, account.state.plan(&spec.name));
    let mut rotation = Rotation::begin(manager, spec, console.clock(), plan, &terms).await?;
    console.progress(1, 2, &format!("{} planned", spec.name));
    rotation.create(&value).await?;
    console.progress(2, 2, &format!("{} stored and announced", spec.name));
    let status: Status = rotation.status();
    Ok(Standing::of(spec, &status))
}

/// Begins a rotation of each secret that is due. One that is under way stays as it is.
async fn begin_due(
    arguments: &Arguments,
    account: &Account,
    survey: &Survey,
    console: &mut Console,
) -> Result<Vec<Standing>, Failure> {
    let mut begun = Vec::new();
    for spec in due(survey) {
        begun.push(match begin(arguments, account, &spec, console).await {
            Err(Failure::Secret(error @ (Error::RotationInProgress { .. } | Error::Plan { .. }))) => {
                Standing::without_plan(&spec, error.to_string())
            }
            begun => begun?,
        });
    }
    Ok(begun)
}

/// What is older than it may be, lies in AWS, and is ours to make. Haste with a key of stored data loses the data.
fn due(survey: &Survey) -> Vec<SecretSpec> {
    let entries = survey.report.entries.iter().filter(|entry| entry.class != Class::EncryptionKey);
    let overdue = entries.filter(|entry| {
        entry
            .version
            .as_ref()
            .is_some_and(|version| version.is_overdue && version.origin.kind() == SourceKind::Aws)
    });
    let specs = overdue.filter_map(|entry| declared(entry.name.as_str()).ok());
    specs.filter(|spec| Recipe::of(spec) == Some(Recipe::Key)).collect()
}

/// A new value in AWS changes nothing for a server that finds another one before it.
fn refuse_other_places(survey: &Survey, spec: &SecretSpec) -> Result<(), Failure> {
    let found = survey.report.get(spec.name.as_str()).and_then(|entry| entry.version.as_ref());
    let elsewhere = found.filter(|version| version.origin.kind() != SourceKind::Aws);
    match elsewhere.and_then(|version| rotation::writable(&version.origin).err()) {
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
