//! The AWS account whose Secrets Manager the environment names, and the record of every change in it.

use secrets::SecretName;
use secrets::aws::{SecretsManager, Settings};

use crate::console::Console;
use crate::failure::Failure;
use crate::place::PlaceArguments;
use crate::state::{State, StateArguments};

/// The AWS account, and the record of every change in it.
pub(crate) struct Account {
    pub(crate) manager: SecretsManager,
    pub(crate) state: State,
    pub(crate) profile: config::Profile,
}

/// Which rules apply, and where plans and records are stored.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct AccountArguments {
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    #[command(flatten)]
    pub(crate) state: StateArguments,
}

impl AccountArguments {
    /// The account that `SECRET_PREFIX` and `AWS_REGION` name. No request is sent yet.
    pub(crate) async fn open(&self, console: &Console) -> Result<Account, Failure> {
        let settings = settings(console)?.ok_or_else(|| {
            let message =
                "SECRET_PREFIX is not set: it is the prefix of our secrets in the account, such as prod/rail";
            Failure::Precondition(message.to_owned())
        })?;
        let profile = self.place.resolve(console)?.profile;
        let state = self.state.open(console)?;
        let manager = SecretsManager::connect(&settings, profile, console.clock()).await?;
        let manager = manager.audit(state.audit(console.clock())?);
        Ok(Account { manager, state, profile })
    }
}

impl Account {
    /// Checks that we can read from the account, before anything is changed in it.
    pub(crate) async fn verify(&self, name: &SecretName) -> Result<(), Failure> {
        match self.manager.describe(name).await {
            Ok(_) | Err(secrets::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(Failure::Precondition(format!("the account cannot be read: {error}"))),
        }
    }
}

/// The settings of AWS in the environment; `None` if it is not configured.
pub(crate) fn settings(console: &Console) -> Result<Option<Settings>, Failure> {
    Ok(Settings::from_environment(console.environment())?)
}
