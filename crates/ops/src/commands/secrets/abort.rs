//! `investiq secrets abort NAME`: aborts a rotation before its value is used.

use secrets::rotation::abort_without_plan;

use super::find_spec;
use crate::aws_account::AwsArguments;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::OutputFormat;
use crate::rotation_status::{RotationStatus, resume};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  investiq secrets abort audit_key")]
pub(crate) struct Arguments {
    /// Name of the secret
    name: String,
    /// Abort a rotation that was started elsewhere; it cannot be finished there afterwards
    #[arg(long)]
    foreign: bool,
    #[command(flatten)]
    aws: AwsArguments,
    #[command(flatten)]
    output: OutputFormat,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let spec = find_spec(&arguments.name)?;
    let account = arguments.aws.open(console).await?;
    if arguments.foreign {
        abort_without_plan(&account.manager, &spec).await?;
    } else {
        resume(&account, &spec, console)?.abort().await?;
    }
    RotationStatus::without_plan(&spec, "the current value stays in use").print(console, arguments.output)?;
    Ok(Exit::Success)
}
