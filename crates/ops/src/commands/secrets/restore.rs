//! `investiq secrets restore NAME`: calls a deletion off, while it can be.

use crate::account::AccountArguments;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

use super::declared;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The secret
    name: String,
    #[command(flatten)]
    account: AccountArguments,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let spec = declared(&arguments.name)?;
    let account = arguments.account.open(console).await?;
    account.manager.restore(&spec.name).await?;
    console.answer(&format!("{}: restored\n", spec.name))?;
    Ok(Exit::Good)
}
