//! `investiq secrets status`: which rotations are under way, here and elsewhere, and what comes next.

use secrets::aws::Label;
use secrets::rotation::Rotation;
use secrets::{Catalogue, Error, SecretSpec};

use crate::account::{Account, AccountArguments};
use crate::console::Console;
use crate::document::Form;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::rotating::{self, Standing};

use super::declared;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The secret; without it every one that is declared
    name: Option<String>,
    #[command(flatten)]
    account: AccountArguments,
    #[command(flatten)]
    form: Form,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let account = arguments.account.open(console).await?;
    let specs = match &arguments.name {
        Some(name) => vec![declared(name)?],
        None => Catalogue::product().iter().cloned().collect(),
    };
    let mut rotations = Vec::new();
    for spec in &specs {
        rotations.extend(standing(&account, spec, arguments.name.is_some(), console).await?);
    }
    rotating::answer(rotations, console, arguments.form)?;
    Ok(Exit::Good)
}

/// A rotation of which there is a plan, or a version that waits without one; where a secret was asked for, always
/// something.
async fn standing(
    account: &Account,
    spec: &SecretSpec,
    is_asked_for: bool,
    console: &Console,
) -> Result<Option<Standing>, Failure> {
    let plan = account.state.plan(&spec.name);
    if let Some(rotation) = Rotation::resume(&account.manager, spec, console.clock(), plan)? {
        return Ok(Some(Standing::of(spec, &rotation.status())));
    }
    let told = match account.manager.describe(&spec.name).await {
        Ok(described) if described.pending().is_some() => {
            let next = format!(
                "one was begun elsewhere: finish it there, or investiq secrets abort {} --foreign",
                spec.name
            );
            return Ok(Some(Standing::without_plan(spec, next)));
        }
        Ok(described) if described.deletion_requested.is_some() => "it waits to be deleted".to_owned(),
        Ok(described) => match described.version(&Label::Current) {
            Some(version) => format!("version {} is in use", version.as_str()),
            None => "it has no version in use".to_owned(),
        },
        Err(Error::NotFound { .. }) => "it is not in AWS".to_owned(),
        Err(error) => return Err(error.into()),
    };
    Ok(is_asked_for.then(|| Standing::without_plan(spec, told)))
}
