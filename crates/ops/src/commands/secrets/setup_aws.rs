//! `investiq secrets setup-aws`: creates every secret in AWS Secrets Manager, generated here or typed at a hidden prompt.
//!
//! Existing secrets are kept, so an interrupted run is finished by the next. It prints no value.

use config::api_keys::KeyMode;
use secrets::aws::{Description, Token};
use secrets::{Catalogue, Error, SecretSpec, SecretValue};
use serde::Serialize;

use crate::aws_account::{AwsAccount, AwsArguments};
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::generator::Generator;
use crate::named_values;
use crate::outcome::{Outcome, SecretOutcome};
use crate::output::OutputFormat;
use crate::validate::validate;
use crate::value_input;

/// The tag with the number of days after which a secret must be rotated.
const SCHEDULE_TAG: &str = "investiq:rotation-days";

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq secrets setup-aws --dry-run\n  investiq secrets setup-aws --interactive"
)]
pub(crate) struct Arguments {
    /// Prompt for each missing secret; empty input generates it, or skips it if somebody else issues it
    #[arg(long)]
    interactive: bool,
    /// Days after which each secret must be rotated
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=365))]
    rotation_days: u16,
    /// Environment of the first API key
    #[arg(long = "env", value_parser = named_values::key_mode(), default_value = "live")]
    mode: KeyMode,
    /// Show what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    aws: AwsArguments,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Serialize)]
struct Setup {
    dry_run: bool,
    rotation_days: u16,
    secrets: Vec<SecretOutcome>,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let account = arguments.aws.open(console).await?;
    let catalogue = Catalogue::product();
    let specs: Vec<&SecretSpec> = catalogue.iter().collect();
    if let Some(first) = specs.first() {
        account.verify(&first.name).await?;
    }
    let mut secrets = Vec::new();
    for (number, spec) in (1..).zip(&specs) {
        let outcome = set_up(arguments, &account, spec, console).await?;
        console.progress(number, specs.len(), &format!("{} {outcome}", spec.name));
        secrets.push(SecretOutcome { name: spec.name.to_string(), outcome });
    }
    let setup = Setup { dry_run: arguments.dry_run, rotation_days: arguments.rotation_days, secrets };
    arguments.output.print(
        console,
        "investiq.secrets.setup-aws.v1",
        &setup,
        |Setup { secrets, .. }| secrets.iter().map(|secret| secret.text(" --to aws")).collect(),
    )?;
    Ok(Exit::Success)
}

async fn set_up(
    arguments: &Arguments,
    account: &AwsAccount,
    spec: &SecretSpec,
    console: &mut Console,
) -> Result<Outcome, Failure> {
    match account.manager.describe(&spec.name).await {
        Ok(description) if description.deletion_requested.is_some() => return Ok(Outcome::Deleted),
        Ok(description) => {
            set_schedule(arguments, account, spec, Some(&description)).await?;
            return Ok(Outcome::Kept);
        }
        Err(Error::NotFound { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    if arguments.dry_run {
        return Ok(if Generator::for_secret(spec).is_some() { Outcome::Created } else { Outcome::ToBeSet });
    }
    let Some(value) = value(arguments, account, spec, console).await? else { return Ok(Outcome::ToBeSet) };
    let outcome = match account.manager.create(spec, &value, &Token::random()?).await {
        Ok(_) => Outcome::Created,
        // Another run created it a moment ago.
        Err(Error::Exists { .. }) => Outcome::Kept,
        Err(error) => return Err(error.into()),
    };
    set_schedule(arguments, account, spec, None).await?;
    Ok(outcome)
}

/// The typed value, or a generated one; `None` if the input is empty and somebody else issues the secret.
async fn value(
    arguments: &Arguments,
    account: &AwsAccount,
    spec: &SecretSpec,
    console: &mut Console,
) -> Result<Option<SecretValue>, Failure> {
    let typed = if arguments.interactive { Some(value_input::prompt(spec)?) } else { None };
    match (typed.filter(|typed| !typed.is_empty()), Generator::for_secret(spec)) {
        (Some(typed), _) => {
            let origin = account.manager.origin(&spec.name);
            Ok(Some(validate(spec, typed, origin, account.profile, console).await?.value))
        }
        (None, Some(generator)) => generator.generate(spec, arguments.mode).map(Some),
        (None, None) => Ok(None),
    }
}

/// Writes the schedule into the tag, unless it is there.
async fn set_schedule(
    arguments: &Arguments,
    account: &AwsAccount,
    spec: &SecretSpec,
    description: Option<&Description>,
) -> Result<(), Failure> {
    let days = arguments.rotation_days.to_string();
    let is_set = description.is_some_and(|description| description.tags.get(SCHEDULE_TAG) == Some(&days));
    if is_set || arguments.dry_run {
        return Ok(());
    }
    Ok(account.manager.tag(&spec.name, SCHEDULE_TAG, &days).await?)
}
