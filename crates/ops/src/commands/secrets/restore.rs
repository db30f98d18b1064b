//! `investiq secrets restore NAME`: restores a deleted secret within its recovery window.

use super::find_spec;
use crate::aws_account::AwsArguments;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Name of the secret
    name: String,
    #[command(flatten)]
    aws: AwsArguments,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let spec = find_spec(&arguments.name)?;
    let account = arguments.aws.open(console).await?;
    account.manager.restore(&spec.name).await?;
    console.print(&format!("{}: restored\n", spec.name))?;
    Ok(Exit::Success)
}
