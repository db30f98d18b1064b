//! `investiq secrets restore NAME`: restores a deleted secret within its recovery window.

use serde::Serialize;

use super::find_spec;
use crate::aws_account::AwsArguments;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::OutputFormat;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  investiq secrets restore polygon_api_key")]
pub(crate) struct Arguments {
    /// Name of the secret
    name: String,
    #[command(flatten)]
    aws: AwsArguments,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Serialize)]
struct Restoration<'a> {
    name: &'a str,
    restored: bool,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let spec = find_spec(&arguments.name)?;
    let account = arguments.aws.open(console).await?;
    account.manager.restore(&spec.name).await?;
    let restoration = Restoration { name: spec.name.as_str(), restored: true };
    arguments.output.print(console, "investiq.secrets.restore.v1", &restoration, |restoration| {
        format!("{}: restored\n", restoration.name)
    })?;
    Ok(Exit::Success)
}
