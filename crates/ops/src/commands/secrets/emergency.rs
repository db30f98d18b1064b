//! `investiq secrets emergency NAME --reason …`: stores a new value and revokes the old one wherever it is offered.
//!
//! It does not wait for processes to accept the new value, so requests may fail until they do.

use secrets::rotation::{self, Distribution, Rotation};
use secrets::{Class, SecretSpec};

use super::find_spec;
use crate::aws_account::{AwsAccount, AwsArguments};
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::new_value::NewValueArguments;
use crate::output::OutputFormat;
use crate::rotation_status::RotationStatus;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq secrets emergency api_keys --reason leaked --dry-run\n  investiq secrets emergency api_keys --reason leaked"
)]
pub(crate) struct Arguments {
    /// Name of the secret
    name: String,
    /// Reason for the change log
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    value: NewValueArguments,
    /// Show what would break, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    aws: AwsArguments,
    #[command(flatten)]
    output: OutputFormat,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let spec = find_spec(&arguments.name)?;
    let account = arguments.aws.open(console).await?;
    account.verify(&spec.name).await?;
    console.eprint(&format!("what breaks: {}", breakage(&spec)));
    if !arguments.dry_run {
        replace(arguments, &account, &spec, console).await?;
    }
    let next = match arguments.dry_run {
        true => "nothing was changed".to_owned(),
        false => format!(
            "every process that reaches AWS rejects the old value within {} s",
            rotation::emergency_bound(&spec).as_secs()
        ),
    };
    RotationStatus::without_plan(&spec, next).print(console, arguments.output)?;
    Ok(Exit::Success)
}

async fn replace(
    arguments: &Arguments,
    account: &AwsAccount,
    spec: &SecretSpec,
    console: &mut Console,
) -> Result<(), Failure> {
    let value = arguments.value.value(account, spec, console).await?;
    let (manager, plan) = (&account.manager, account.state.plan(&spec.name));
    let mut rotation =
        Rotation::begin_emergency(manager, spec, console.clock(), plan, &arguments.reason).await?;
    console.progress(1, 3, "planned");
    rotation.create(&value).await?;
    console.progress(2, 3, "new value stored");
    rotation.finish(Distribution::ByTime).await?;
    console.progress(3, 3, "new value in use, old value revoked");
    Ok(())
}

fn breakage(spec: &SecretSpec) -> &'static str {
    match spec.class {
        _ if spec.needs_older_keys() => {
            "nothing: what was written with the old key can still be read and verified"
        }
        Class::SigningKey => "everything signed with the old key is rejected; users must sign in again",
        Class::WebhookSecret => "deliveries are rejected until the provider signs with the new secret",
        Class::AccessList => "clients whose key is not in the new list are rejected",
        Class::ApiKey | Class::DbCredential => {
            "calls fail until every process has the new value; revoke the old value where it was issued, too"
        }
        _ => "clients with the old value are rejected",
    }
}
