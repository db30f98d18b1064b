//! `investiq secrets rollback NAME`: lets the value before take over again, while every process still accepts it.

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
    #[command(flatten)]
    account: AccountArguments,
    #[command(flatten)]
    form: Form,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let spec = declared(&arguments.name)?;
    let account = arguments.account.open(console).await?;
    let mut rotation = resumed(&account, &spec, console)?;
    rotation.rollback().await?;
    Standing::of(&spec, &rotation.status()).answer(console, arguments.form)?;
    Ok(Exit::Good)
}
