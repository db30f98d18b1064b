//! `investiq secrets resume NAME`: takes a rotation to its next resting place, wherever it was interrupted.

use std::time::Duration;

use secrets::rotation::{Distribution, NewValue, Rotation, Step};
use secrets::{Error, SecretSpec};

use crate::account::AccountArguments;
use crate::console::Console;
use crate::document::Form;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::generation::Recipe;
use crate::rotating::{Standing, resumed};

use super::declared;

/// Longest time that `--wait` waits.
const WAIT_MAX: Duration = Duration::from_secs(15 * 60);

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The secret
    name: String,
    /// Every process reported the new version as accepted: do not wait for the time it may take
    #[arg(long)]
    reported: bool,
    /// Wait until the new value may take over
    #[arg(long, conflicts_with = "reported")]
    wait: bool,
    #[command(flatten)]
    account: AccountArguments,
    #[command(flatten)]
    form: Form,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let spec = declared(&arguments.name)?;
    let account = arguments.account.open(console).await?;
    let mut rotation = resumed(&account, &spec, console)?;
    match rotation.status().step {
        Step::Planned | Step::Created => rotation.create(&remade(&spec)?).await?,
        Step::Announced | Step::Promoting | Step::RollingBack => {
            finish(arguments, &mut rotation, console).await?;
        }
        Step::Promoted => {}
    }
    let is_over = rotation.status().is_emergency && rotation.status().step == Step::Promoted;
    let standing = match is_over {
        true => Standing::without_plan(&spec, "the new value took over"),
        false => Standing::of(&spec, &rotation.status()),
    };
    standing.answer(console, arguments.form)?;
    Ok(Exit::Good)
}

/// The value of an interrupted rotation, which counts only when none was stored yet.
fn remade(spec: &SecretSpec) -> Result<NewValue, Failure> {
    match Recipe::of(spec) {
        Some(Recipe::Key) => Ok(NewValue::Generated),
        Some(recipe) => Ok(NewValue::Given(recipe.make(spec, api_server::keys::Environment::Live)?)),
        None => {
            let name = &spec.name;
            Err(Failure::Precondition(format!(
                "the new value may not have been stored: investiq secrets abort {name}, and begin anew"
            )))
        }
    }
}

async fn finish(
    arguments: &Arguments,
    rotation: &mut Rotation,
    console: &mut Console,
) -> Result<(), Failure> {
    let how = if arguments.reported { Distribution::Reported } else { Distribution::ByTime };
    match rotation.finish(how).await {
        Err(Error::NotYet { wait, .. }) if arguments.wait && !wait.is_zero() && wait <= WAIT_MAX => {
            console
                .say(&format!("waiting {} s for every process to accept the new value", wait.as_secs() + 1));
            // Times in plans are whole seconds.
            tokio::time::sleep(wait + Duration::from_secs(1)).await;
            Ok(rotation.finish(how).await?)
        }
        finished => Ok(finished?),
    }
}
