//! `investiq secrets retire NAME`: stops accepting the previous value after its overlap, which finishes the rotation.

use secrets::rotation::PreviousUse;

use super::find_spec;
use crate::aws_account::AwsArguments;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::OutputFormat;
use crate::rotation_status::{RotationStatus, resume};

#[derive(Debug, clap::Args)]
#[group(id = "previous_use", args = ["unused", "reencrypted"], required = true, multiple = false)]
pub(crate) struct Arguments {
    /// Name of the secret
    name: String,
    /// Confirm that the metric investiq_secret_previous_used_total no longer increases
    #[arg(long)]
    unused: bool,
    /// Confirm that everything that was encrypted with the previous value is re-encrypted
    #[arg(long)]
    reencrypted: bool,
    #[command(flatten)]
    aws: AwsArguments,
    #[command(flatten)]
    output: OutputFormat,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let spec = find_spec(&arguments.name)?;
    let account = arguments.aws.open(console).await?;
    let previous = if arguments.reencrypted { PreviousUse::Reencrypted } else { PreviousUse::None };
    resume(&account, &spec, console)?.retire(previous).await?;
    RotationStatus::without_plan(&spec, "the previous value is retired").print(console, arguments.output)?;
    Ok(Exit::Success)
}
