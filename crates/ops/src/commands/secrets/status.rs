//! `investiq secrets status`: rotations in progress, started here or elsewhere, and their next steps.

use secrets::aws::Label;
use secrets::rotation::Rotation;
use secrets::{Catalogue, Error, SecretSpec};

use super::find_spec;
use crate::aws_account::{AwsAccount, AwsArguments};
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::OutputFormat;
use crate::rotation_status::{self, RotationStatus};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  investiq secrets status\n  investiq secrets status api_keys")]
pub(crate) struct Arguments {
    /// Name of the secret [default: all secrets with a rotation in progress]
    name: Option<String>,
    #[command(flatten)]
    aws: AwsArguments,
    #[command(flatten)]
    output: OutputFormat,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let account = arguments.aws.open(console).await?;
    let specs = match &arguments.name {
        Some(name) => vec![find_spec(name)?],
        None => Catalogue::product().iter().cloned().collect(),
    };
    let mut rotations = Vec::new();
    for spec in &specs {
        rotations.extend(status(&account, spec, arguments.name.is_some(), console).await?);
    }
    rotation_status::print_all(rotations, console, arguments.output)?;
    Ok(Exit::Success)
}

/// The status of a rotation with or without a plan here; a secret that was named always has a status.
async fn status(
    account: &AwsAccount,
    spec: &SecretSpec,
    is_named: bool,
    console: &Console,
) -> Result<Option<RotationStatus>, Failure> {
    let plan = account.state.plan(&spec.name);
    if let Some(rotation) = Rotation::resume(&account.manager, spec, console.clock(), plan)? {
        return Ok(Some(RotationStatus::planned(spec, &rotation.status())));
    }
    let summary = match account.manager.describe(&spec.name).await {
        Ok(description) if description.pending().is_some() => {
            let next = format!(
                "a rotation was started elsewhere; finish it there, or run `investiq secrets abort {} --foreign`",
                spec.name
            );
            return Ok(Some(RotationStatus::without_plan(spec, next)));
        }
        Ok(description) if description.deletion_requested.is_some() => "scheduled for deletion".to_owned(),
        Ok(description) => match description.version(&Label::Current) {
            Some(version) => format!("version {} is in use", version.as_str()),
            None => "no version is in use".to_owned(),
        },
        Err(Error::NotFound { .. }) => "does not exist in AWS".to_owned(),
        Err(error) => return Err(error.into()),
    };
    Ok(is_named.then(|| RotationStatus::without_plan(spec, summary)))
}
