//! `investiq secrets delete NAME`: deletes a secret of AWS Secrets Manager, which can be restored for 7 to 30 days.

use secrets::aws::RecoveryWindow;
use serde::Serialize;

use super::find_spec;
use crate::aws_account::AwsArguments;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::OutputFormat;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq secrets delete polygon_api_key --days 7\n  investiq secrets delete polygon_api_key --for-good polygon_api_key"
)]
pub(crate) struct Arguments {
    /// Name of the secret
    name: String,
    /// Days in which it can be restored
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u8).range(7..=30))]
    days: u8,
    /// Delete it immediately and permanently; repeat the name to confirm
    #[arg(long, value_name = "NAME", conflicts_with = "days")]
    for_good: Option<String>,
    /// Show what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    aws: AwsArguments,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Serialize)]
struct Deletion<'a> {
    name: &'a str,
    dry_run: bool,
    gone_at: Option<String>,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let spec = find_spec(&arguments.name)?;
    let window = match &arguments.for_good {
        None => RecoveryWindow::Days(arguments.days),
        Some(again) if find_spec(again)?.name == spec.name => RecoveryWindow::None,
        Some(_) => return Err(Failure::Usage("--for-good must repeat the name of the secret".to_owned())),
    };
    if spec.needs_older_keys() {
        let message = "its keys are needed for as long as there is data that was written with them";
        return Err(Failure::Precondition(format!("{} cannot be deleted: {message}", spec.name)));
    }
    let account = arguments.aws.open(console).await?;
    // In a dry run, too, a secret that does not exist is an error.
    account.manager.describe(&spec.name).await?;
    let gone = if arguments.dry_run { None } else { account.manager.delete(&spec.name, window).await? };
    let gone_at = gone.and_then(|at| jiff::Timestamp::try_from(at).ok()).map(|at| at.to_string());
    let deletion = Deletion { name: spec.name.as_str(), dry_run: arguments.dry_run, gone_at };
    arguments.output.print(console, "investiq.secrets.delete.v1", &deletion, text)?;
    Ok(Exit::Success)
}

fn text(Deletion { name, dry_run, gone_at }: &Deletion<'_>) -> String {
    let outcome = if *dry_run { "would be deleted" } else { "deleted" };
    let hint =
        gone_at.as_ref().map(|at| format!("; to restore it until {at}: investiq secrets restore {name}"));
    format!("{name}: {outcome}{}\n", hint.unwrap_or_default())
}
