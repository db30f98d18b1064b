//! `investiq secrets setup-aws`: every declared secret in AWS Secrets Manager, made here or typed at a hidden prompt.
//!
//! What is there stays, so an interrupted run is finished by running it again. It sets nothing that a vendor makes
//! unless it is typed, and prints no value.

use secrets::aws::{Description, Token};
use secrets::{Catalogue, Error, SecretSpec, SecretValue};
use serde::Serialize;

use crate::account::{Account, AccountArguments};
use crate::commands::ModeName;
use crate::console::Console;
use crate::document::{self, Form};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::generation::Recipe;
use crate::judge::judge;
use crate::typed;

/// The tag that says after how many days a secret is to be rotated.
const SCHEDULE_TAG: &str = "investiq:rotation-days";

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Ask for each secret that is not there; an empty answer makes it, or leaves it out where others make it
    #[arg(long)]
    interactive: bool,
    /// After how many days each secret is to be rotated
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=365))]
    rotation_days: u16,
    /// What the first API key is for
    #[arg(long = "env", value_enum, default_value = "live")]
    mode: ModeName,
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    account: AccountArguments,
    #[command(flatten)]
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Created,
    Kept,
    /// Somebody else makes it.
    ToBeSet,
    /// It waits to be deleted.
    Deleted,
}

#[derive(Debug, Serialize)]
struct Line {
    name: String,
    outcome: Outcome,
}

#[derive(Serialize)]
struct Body {
    dry_run: bool,
    rotation_days: u16,
    secrets: Vec<Line>,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let account = arguments.account.open(console).await?;
    let catalogue = Catalogue::product();
    let specs: Vec<&SecretSpec> = catalogue.iter().collect();
    if let Some(first) = specs.first() {
        account.verify(&first.name).await?;
    }
    let mut secrets = Vec::new();
    for (number, spec) in (1..).zip(&specs) {
        let outcome = settle(arguments, &account, spec, console).await?;
        console.progress(number, specs.len(), &format!("{} {}", spec.name, word(outcome)));
        secrets.push(Line { name: spec.name.to_string(), outcome });
    }
    let (dry_run, rotation_days) = (arguments.dry_run, arguments.rotation_days);
    if arguments.form.json {
        document::answer(
            console,
            "investiq.secrets.setup-aws.v1",
            &Body { dry_run, rotation_days, secrets },
        )?;
    } else {
        console.answer(&text(&secrets))?;
    }
    Ok(Exit::Good)
}

/// Brings one secret to where it should be.
async fn settle(
    arguments: &Arguments,
    account: &Account,
    spec: &SecretSpec,
    console: &mut Console,
) -> Result<Outcome, Failure> {
    match account.manager.describe(&spec.name).await {
        Ok(described) if described.deletion_requested.is_some() => return Ok(Outcome::Deleted),
        Ok(described) => {
            schedule(arguments, account, spec, Some(&described)).await?;
            return Ok(Outcome::Kept);
        }
        Err(Error::NotFound { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    if arguments.dry_run {
        return Ok(if Recipe::for_secret(spec).is_some() { Outcome::Created } else { Outcome::ToBeSet });
    }
    let Some(value) = value(arguments, account, spec, console).await? else { return Ok(Outcome::ToBeSet) };
    let outcome = match account.manager.create(spec, &value, &Token::random()?).await {
        Ok(_) => Outcome::Created,
        // Another run made it a moment ago.
        Err(Error::Exists { .. }) => Outcome::Kept,
        Err(error) => return Err(error.into()),
    };
    schedule(arguments, account, spec, None).await?;
    Ok(outcome)
}

/// What is typed, else what can be made.
async fn value(
    arguments: &Arguments,
    account: &Account,
    spec: &SecretSpec,
    console: &mut Console,
) -> Result<Option<SecretValue>, Failure> {
    let typed = if arguments.interactive { Some(typed::prompt(spec)?) } else { None };
    match (typed.filter(|typed| !typed.is_empty()), Recipe::for_secret(spec)) {
        (Some(typed), _) => {
            let place = account.manager.origin(&spec.name);
            Ok(Some(judge(spec, typed, place, account.profile, console).await?.value))
        }
        (None, Some(recipe)) => recipe.generate(spec, arguments.mode.into()).map(Some),
        (None, None) => Ok(None),
    }
}

/// Writes the schedule down, unless it stands there.
async fn schedule(
    arguments: &Arguments,
    account: &Account,
    spec: &SecretSpec,
    described: Option<&Description>,
) -> Result<(), Failure> {
    let days = arguments.rotation_days.to_string();
    let is_told = described.is_some_and(|described| described.tags.get(SCHEDULE_TAG) == Some(&days));
    if is_told || arguments.dry_run {
        return Ok(());
    }
    Ok(account.manager.tag(&spec.name, SCHEDULE_TAG, &days).await?)
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Created => "created",
        Outcome::Kept => "kept",
        Outcome::ToBeSet => "to be set",
        Outcome::Deleted => "waits to be deleted",
    }
}

fn text(lines: &[Line]) -> String {
    let line = |line: &Line| match line.outcome {
        Outcome::Created => format!("created   {}\n", line.name),
        Outcome::Kept => format!("kept      {}\n", line.name),
        Outcome::ToBeSet => format!("to be set {0}: investiq secrets set {0} --to aws\n", line.name),
        Outcome::Deleted => format!("deleted   {0}: investiq secrets restore {0}\n", line.name),
    };
    lines.iter().map(line).collect()
}
