//! `investiq secrets resume NAME`: takes a rotation to its next resting place, wherever it was interrupted.

use std::time::Duration;

use secrets::rotation::{Distribution, NewValue, Rotation, Step};
use secrets::{Error, SecretSpec};

use crate::account::AccountArguments;
use crate::console::Console;
use crate::document::Form;
use crate::exit::Exit;
use crate::failure::Failure;
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
        Step::Planned | Step::Created => store(&mut rotation, &spec).await?,
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

/// Stores the value, unless it is stored already. One that was brought and lost is not replaced by another.
async fn store(rotation: &mut Rotation, spec: &SecretSpec) -> Result<(), Failure> {
    if rotation.is_value_lost().await? {
        let name = &spec.name;
        let message =
            format!("the new value was not stored: investiq secrets abort {name}, and begin anew with it");
        return Err(Failure::Precondition(message));
    }
    Ok(rotation.create(&NewValue::Generated).await?)
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
