//! The value that a rotation brings: read, made here, or asked for.

use secrets::SecretSpec;
use secrets::rotation::NewValue;

use crate::account::Account;
use crate::commands::ModeName;
use crate::console::Console;
use crate::failure::Failure;
use crate::generation::Recipe;
use crate::judge::judge;
use crate::typed::Source;

/// Where the new value comes from. Without a word it is made here, or asked for where others make it.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct NewValueArguments {
    #[command(flatten)]
    source: Source,
    /// What a new API key is for
    #[arg(long = "env", value_enum, default_value = "live")]
    mode: ModeName,
}

impl NewValueArguments {
    /// The value, judged.
    pub(crate) async fn value(
        &self,
        account: &Account,
        spec: &SecretSpec,
        console: &Console,
    ) -> Result<NewValue, Failure> {
        match Recipe::for_secret(spec).filter(|_| !self.source.is_named()) {
            Some(Recipe::Key) => Ok(NewValue::Generated),
            Some(recipe) => Ok(NewValue::Given(recipe.generate(spec, self.mode.into())?)),
            None => {
                let raw = self.source.read(spec)?;
                let place = account.manager.origin(&spec.name);
                Ok(NewValue::Given(judge(spec, raw, place, account.profile, console).await?.value))
            }
        }
    }
}
