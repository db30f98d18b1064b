//! `investiq secrets abort NAME`: undoes a rotation whose value has not taken over.

use secrets::rotation::abort_without_plan;

use crate::account::AccountArguments;
use crate::console::Console;
use crate::document::Form;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::rotating::{Standing, resumed};

use super::declared;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The secret
    name: String,
    /// Undo one that was begun elsewhere: whoever began it cannot finish it then
    #[arg(long)]
    foreign: bool,
    #[command(flatten)]
    account: AccountArguments,
    #[command(flatten)]
    form: Form,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let spec = declared(&arguments.name)?;
    let account = arguments.account.open(console).await?;
    if arguments.foreign {
        abort_without_plan(&account.manager, &spec).await?;
    } else {
        resumed(&account, &spec, console)?.abort().await?;
    }
    Standing::without_plan(&spec, "the value in use stays").answer(console, arguments.form)?;
    Ok(Exit::Good)
}
