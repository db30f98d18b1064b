//! `investiq secrets rollback NAME`: returns to the previous value while every process still accepts it.

use super::find_spec;
use crate::aws_account::AwsArguments;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::OutputFormat;
use crate::rotation_status::{RotationStatus, resume};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  investiq secrets rollback api_keys")]
pub(crate) struct Arguments {
    /// Name of the secret
    name: String,
    #[command(flatten)]
    aws: AwsArguments,
    #[command(flatten)]
    output: OutputFormat,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let spec = find_spec(&arguments.name)?;
    let account = arguments.aws.open(console).await?;
    let mut rotation = resume(&account, &spec, console)?;
    rotation.rollback().await?;
    RotationStatus::planned(&spec, &rotation.status()).print(console, arguments.output)?;
    Ok(Exit::Success)
}
