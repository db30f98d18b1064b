//! `investiq secrets rotate NAME`: begins to replace a secret in AWS Secrets Manager.
//!
//! The new value is made or read, stored beside the old one and announced: every process accepts it, none uses it yet.
//! `resume` lets it take over. A secret in a file or a variable is changed where it is kept; this says how.

use std::time::Duration;

use jiff::SignedDuration;
use secrets::rotation::{self, NewValue, OverlapPolicy, Rotation, Status};
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
    /// For how long the value before is accepted after the new one took over, such as 90m or 24h; without it as the kind
    /// of secret asks for: a day for keys of callers and of signatures
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with = "due")]
    overlap: Option<Duration>,
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
            begin(arguments, &account, &survey, &spec, console).await?.answer(console, arguments.form)?;
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
    survey: &Survey,
    spec: &SecretSpec,
    console: &mut Console,
) -> Result<Standing, Failure> {
    terms(arguments, spec).check(spec)?;
    if arguments.dry_run {
        return Ok(Standing::without_plan(spec, "a rotation would be begun"));
    }
    let value = arguments.value.value(account, spec, console).await?;
    let terms = terms(arguments, spec);
    if spec.class == Class::AccessList {
        tell_left_out(&value, &terms, survey, console);
    }
    let (manager, plan) = (&account.manager, account.state.plan(&spec.name));
    let mut rotation = Rotation::begin(manager, spec, console.clock(), plan, &terms).await?;
    console.progress(1, 2, &format!("{} planned", spec.name));
    rotation.create(&value).await?;
    console.progress(2, 2, &format!("{} stored and announced", spec.name));
    let status: Status = rotation.status();
    Ok(Standing::of(spec, &status))
}

/// How long a time is, such as `90m` or `24h`.
fn time(text: &str) -> Result<Duration, String> {
    let parsed: Result<SignedDuration, _> = text.parse();
    let time = parsed.ok().and_then(|time| Duration::try_from(time).ok());
    time.ok_or_else(|| "write it like 90m, 24h or 0s".to_owned())
}

/// For how long the value before counts.
fn terms(arguments: &Arguments, spec: &SecretSpec) -> OverlapPolicy {
    let declared = OverlapPolicy::new(spec, Duration::from_secs(arguments.token_life_s));
    OverlapPolicy { overlap: arguments.overlap.unwrap_or(declared.overlap), ..declared }
}

/// Says how many callers have to change their keys, and by when.
fn tell_left_out(value: &NewValue, terms: &OverlapPolicy, survey: &Survey, console: &mut Console) {
    let NewValue::Given(value) = value else { return };
    let left_out = value.expose_text().map_or(0, |text| survey.keys_left_out(text));
    if left_out > 0 {
        let minutes = terms.overlap.as_secs() / 60;
        console.say(&format!(
            "warning: {left_out} of the keys in use are not in the new list: they are accepted until it takes over and {minutes} minutes longer"
        ));
    }
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
        begun.push(match begin(arguments, account, survey, &spec, console).await {
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
    let entries = survey.report.secrets.iter().filter(|entry| entry.class != Class::EncryptionKey);
    let overdue = entries.filter(|entry| {
        entry
            .version
            .as_ref()
            .is_some_and(|version| version.is_overdue && version.origin.kind() == SourceKind::Aws)
    });
    let specs = overdue.filter_map(|entry| declared(entry.name.as_str()).ok());
    specs.filter(|spec| Recipe::for_secret(spec) == Some(Recipe::Key)).collect()
}

/// A new value in AWS changes nothing for a server that finds another one before it.
fn refuse_other_places(survey: &Survey, spec: &SecretSpec) -> Result<(), Failure> {
    let found = survey.report.get(spec.name.as_str()).and_then(|entry| entry.version.as_ref());
    let elsewhere = found.filter(|version| version.origin.kind() != SourceKind::Aws);
    match elsewhere.and_then(|version| rotation::check_writable(&version.origin).err()) {
        Some(error) => Err(Failure::Precondition(format!("{error}. {}", instructions(spec)))),
        None => Ok(()),
    }
}

fn instructions(spec: &SecretSpec) -> String {
    let name = &spec.name;
    let how = match Recipe::for_secret(spec) {
        Some(_) => format!("investiq secrets init --replace {name}"),
        None => format!("investiq secrets set {name} --replace"),
    };
    format!("Where its file is kept: `{how}`, and the server takes the new value within a minute")
}
