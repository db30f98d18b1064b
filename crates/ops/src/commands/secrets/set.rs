//! `investiq secrets set NAME`: validates a value from a prompt, standard input or a file, and stores it.

use secrets::aws::Token;
use secrets::{Class, Error, Notice, Origin, SecretSpec, rotation};
use serde::Serialize;

use super::find_spec;
use crate::aws_account::{AwsAccount, AwsArguments};
use crate::console::Console;
use crate::deployment::secret_layout;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::older_keys::with_keys_of_file;
use crate::outcome::{Outcome, SecretOutcome};
use crate::output::OutputFormat;
use crate::secret_file::{self, Existing};
use crate::secret_lookup;
use crate::validate::{ValidSecret, validate};
use crate::value_input::ValueInput;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq secrets set polygon_api_key\n  investiq secrets set polygon_api_key --from-file new-key --replace\n  openssl rand -hex 32 | investiq secrets set alpaca_webhook_secret --stdin"
)]
pub(crate) struct Arguments {
    /// Name of the secret
    name: String,
    #[command(flatten)]
    input: ValueInput,
    /// Where to store it; files go to the server's directory under the rules of production, unless --directory or --profile
    /// say otherwise
    #[arg(long, value_enum, default_value = "files")]
    to: Destination,
    /// Replace the existing value, which is kept beside the new one, or in AWS as the previous version
    #[arg(long)]
    replace: bool,
    /// Validate the value, and store nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    aws: AwsArguments,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Destination {
    /// A directory of files
    Files,
    /// AWS Secrets Manager
    Aws,
}

#[derive(Serialize)]
struct Body<'a> {
    name: &'a str,
    outcome: Outcome,
    warnings: Vec<String>,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let spec = find_spec(&arguments.name)?;
    let (outcome, notices) = match arguments.to {
        Destination::Files => to_file(arguments, &spec, console).await?,
        Destination::Aws => to_aws(arguments, &spec, console).await?,
    };
    let mut warnings: Vec<String> = notices.iter().map(ToString::to_string).collect();
    warnings.extend(single_step_warning(arguments.to, &spec, outcome));
    warnings.iter().for_each(|warning| console.eprint(&format!("warning: {warning}")));
    if arguments.to == Destination::Files {
        let kept = SecretOutcome { name: spec.name.to_string(), outcome }.kept_value();
        kept.into_iter().for_each(|hint| console.eprint(&hint));
    }
    let body = Body { name: spec.name.as_str(), outcome, warnings };
    arguments.output.print(console, "investiq.secrets.set.v1", &body, |Body { name, outcome, .. }| {
        format!("{outcome} {name}\n")
    })?;
    Ok(Exit::Success)
}

/// Replaced in a single step, a secret that others are verified by is used by some process before another accepts it.
fn single_step_warning(to: Destination, spec: &SecretSpec, outcome: Outcome) -> Option<String> {
    let verifies_others = matches!(spec.class, Class::SigningKey | Class::WebhookSecret | Class::AccessList);
    let seconds = rotation::emergency_bound(spec).as_secs();
    let name = &spec.name;
    (to == Destination::Aws && outcome == Outcome::Replaced && verifies_others).then(|| {
        format!("every process has it within {seconds} s, and until then one may reject what another accepts; to avoid that, use `investiq secrets rotate {name}`")
    })
}

async fn to_file(
    arguments: &Arguments,
    spec: &SecretSpec,
    console: &mut Console,
) -> Result<(Outcome, Vec<Notice>), Failure> {
    let directory = secret_lookup::directory(arguments.aws.lookup.directory.as_deref(), console);
    let path = directory.join(secret_file::name_in(&directory, spec)?);
    if secret_file::exists(&path) && !arguments.replace {
        return Err(exists(path.display()));
    }
    let origin = Origin::SecretFile { path: path.clone() };
    // The strictest rules by default, because files are copied to servers.
    let profile = arguments.aws.lookup.profile.unwrap_or(config::Profile::Production);
    let ValidSecret { value, notices } =
        validate(spec, arguments.input.read(spec)?, origin, profile, console).await?;
    if arguments.dry_run {
        return Ok((Outcome::Valid, notices));
    }
    let locked = secret_layout::open(&directory, console)?;
    // Only now no other command changes it.
    let name = secret_file::name_in(&directory, spec)?;
    let value = with_keys_of_file(spec, value, &directory.join(&name))?;
    let existing = if arguments.replace { Existing::Replace } else { Existing::Keep };
    match locked.write(&name, value.expose(), existing)? {
        Outcome::Kept => Err(exists(path.display())),
        outcome => Ok((outcome, notices)),
    }
}

async fn to_aws(
    arguments: &Arguments,
    spec: &SecretSpec,
    console: &Console,
) -> Result<(Outcome, Vec<Notice>), Failure> {
    let AwsAccount { manager, profile, .. } = arguments.aws.open(console).await?;
    let origin = manager.origin(&spec.name);
    let outcome = match manager.describe(&spec.name).await {
        Ok(_) if !arguments.replace => return Err(exists(origin)),
        Ok(_) => Outcome::Replaced,
        Err(Error::NotFound { .. }) => Outcome::Created,
        Err(error) => return Err(error.into()),
    };
    let ValidSecret { value, notices } =
        validate(spec, arguments.input.read(spec)?, origin, profile, console).await?;
    if arguments.dry_run {
        return Ok((Outcome::Valid, notices));
    }
    manager.set(spec, &value, &Token::random()?).await?;
    Ok((outcome, notices))
}

fn exists(place: impl std::fmt::Display) -> Failure {
    Failure::Precondition(format!("{place} already exists; use --replace to replace it"))
}
