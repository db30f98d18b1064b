//! `investiq secrets retire NAME`: forgets the value before, after its overlap. The rotation is over then.

use secrets::rotation::PreviousUse;

use crate::account::AccountArguments;
use crate::console::Console;
use crate::document::Form;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::rotating::{Standing, resumed};

use super::declared;

#[derive(Debug, clap::Args)]
#[group(id = "previous_use", args = ["unused", "reencrypted"], required = true, multiple = false)]
pub(crate) struct Arguments {
    /// The secret
    name: String,
    /// The metric secret_previous_used_total no longer grows
    #[arg(long)]
    unused: bool,
    /// Everything that the value before encrypts was encrypted anew
    #[arg(long)]
    reencrypted: bool,
    #[command(flatten)]
    account: AccountArguments,
    #[command(flatten)]
    form: Form,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let spec = declared(&arguments.name)?;
    let account = arguments.account.open(console).await?;
    let previous = if arguments.reencrypted { PreviousUse::Reencrypted } else { PreviousUse::None };
    resumed(&account, &spec, console)?.retire(previous).await?;
    Standing::without_plan(&spec, "the value before is forgotten").answer(console, arguments.form)?;
    Ok(Exit::Good)
}
