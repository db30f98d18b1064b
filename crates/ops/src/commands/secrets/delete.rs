//! `investiq secrets delete NAME`: deletes a secret of AWS Secrets Manager, restorable for 7 to 30 days.

use secrets::aws::RecoveryWindow;
use serde::Serialize;

use crate::account::AccountArguments;
use crate::console::Console;
use crate::document::{self, Form};
use crate::exit::Exit;
use crate::failure::Failure;

use super::declared;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The secret
    name: String,
    /// For how many days it can be restored
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u8).range(7..=30))]
    days: u8,
    /// Delete it at once and for good: the name once more, against a slip
    #[arg(long, value_name = "NAME", conflicts_with = "days")]
    for_good: Option<String>,
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    account: AccountArguments,
    #[command(flatten)]
    form: Form,
}

#[derive(Serialize)]
struct Body<'a> {
    name: &'a str,
    dry_run: bool,
    gone_at: Option<String>,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let spec = declared(&arguments.name)?;
    let window = match &arguments.for_good {
        None => RecoveryWindow::Days(arguments.days),
        Some(again) if declared(again)?.name == spec.name => RecoveryWindow::None,
        Some(_) => return Err(Failure::Usage("--for-good repeats the name of the secret".to_owned())),
    };
    let account = arguments.account.open(console).await?;
    // A secret that is not there is told before anything is asked for.
    account.manager.describe(&spec.name).await?;
    let gone = if arguments.dry_run { None } else { account.manager.delete(&spec.name, window).await? };
    let gone_at = gone.and_then(|at| jiff::Timestamp::try_from(at).ok()).map(|at| at.to_string());
    if arguments.form.json {
        let body = Body { name: spec.name.as_str(), dry_run: arguments.dry_run, gone_at };
        document::answer(console, "investiq.secrets.delete.v1", &body)?;
    } else {
        let end = gone_at
            .map_or_else(String::new, |at| format!("; until {at}: investiq secrets restore {}", spec.name));
        let what = if arguments.dry_run { "would be deleted" } else { "deleted" };
        console.answer(&format!("{}: {what}{end}\n", spec.name))?;
    }
    Ok(Exit::Good)
}
