//! `investiq secrets resume NAME`: continues a rotation from its current step, wherever it was interrupted.

use std::time::Duration;

use secrets::rotation::{Distribution, NewValue, Rotation, Step};
use secrets::{Error, SecretSpec};

use super::find_spec;
use crate::aws_account::AwsArguments;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::OutputFormat;
use crate::rotation_status::{self, RotationStatus};

/// Longest wait of `--wait`.
const WAIT_MAX: Duration = Duration::from_secs(15 * 60);

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq secrets resume api_keys --wait\n  investiq secrets resume api_keys --reported"
)]
pub(crate) struct Arguments {
    /// Name of the secret
    name: String,
    /// Do not wait: every process reports the new version as accepted in investiq_secret_version_info
    #[arg(long)]
    reported: bool,
    /// Wait until the new value may be used
    #[arg(long, conflicts_with = "reported")]
    wait: bool,
    #[command(flatten)]
    aws: AwsArguments,
    #[command(flatten)]
    output: OutputFormat,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let spec = find_spec(&arguments.name)?;
    let account = arguments.aws.open(console).await?;
    let mut rotation = rotation_status::resume(&account, &spec, console)?;
    match rotation.status().step {
        Step::Planned | Step::Created => store(&mut rotation, &spec).await?,
        Step::Announced | Step::Promoting | Step::RollingBack => {
            finish(arguments, &mut rotation, console).await?;
        }
        Step::Promoted => {}
    }
    let status = rotation.status();
    let status = match status.is_emergency && status.step == Step::Promoted {
        true => RotationStatus::without_plan(&spec, "the new value is in use"),
        false => RotationStatus::planned(&spec, &status),
    };
    status.print(console, arguments.output)?;
    Ok(Exit::Success)
}

/// Stores the value unless it is stored. A value from input that was lost is not replaced by a generated one.
async fn store(rotation: &mut Rotation, spec: &SecretSpec) -> Result<(), Failure> {
    if rotation.is_value_lost().await? {
        let name = &spec.name;
        let message =
            format!("the new value was not stored; run `investiq secrets abort {name}`, then rotate again");
        return Err(Failure::Precondition(message));
    }
    Ok(rotation.create(&NewValue::Generated).await?)
}

async fn finish(
    arguments: &Arguments,
    rotation: &mut Rotation,
    console: &mut Console,
) -> Result<(), Failure> {
    let distribution = if arguments.reported { Distribution::Reported } else { Distribution::ByTime };
    match rotation.finish(distribution).await {
        Err(Error::NotYet { wait, .. }) if arguments.wait && !wait.is_zero() && wait <= WAIT_MAX => {
            let seconds = wait.as_secs() + 1;
            console.eprint(&format!("waiting {seconds} s for every process to accept the new value"));
            // Times in plans are whole seconds.
            tokio::time::sleep(wait + Duration::from_secs(1)).await;
            Ok(rotation.finish(distribution).await?)
        }
        result => Ok(result?),
    }
}
