//! The account of AWS whose Secrets Manager the environment names, and the record of every change that is made in it.

use std::ffi::OsString;

use secrets::SecretName;
use secrets::aws::{SecretsManager, Settings};

use crate::console::Console;
use crate::failure::Failure;
use crate::place::PlaceArguments;
use crate::state::{State, StateArguments};

/// Where changes are made.
pub(crate) struct Account {
    pub(crate) manager: SecretsManager,
    pub(crate) state: State,
    pub(crate) rules: secrets::Profile,
}

/// Whose rules hold, and where plans and records lie.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct AccountArguments {
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    #[command(flatten)]
    pub(crate) state: StateArguments,
}

impl AccountArguments {
    /// The account that `SECRET_PREFIX` and `AWS_REGION` name. Nothing is asked of it yet.
    pub(crate) async fn open(&self, console: &Console) -> Result<Account, Failure> {
        let settings = settings(console)?.ok_or_else(|| {
            let message =
                "SECRET_PREFIX is not set: it says which secrets of the account are ours, such as prod/rail";
            Failure::Precondition(message.to_owned())
        })?;
        let rules = self.place.resolve(console)?.rules();
        let state = self.state.open(console)?;
        let manager = SecretsManager::connect(&settings, rules, console.clock()).await?;
        let manager = manager.audit(state.audit(console.clock())?);
        Ok(Account { manager, state, rules })
    }
}

impl Account {
    /// Makes sure that the account answers us, before anything is changed in it.
    pub(crate) async fn verify(&self, name: &SecretName) -> Result<(), Failure> {
        match self.manager.describe(name).await {
            Ok(_) | Err(secrets::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(Failure::Precondition(format!("the account does not answer us: {error}"))),
        }
    }
}

/// What the environment says of AWS; `None` when nobody wants it.
pub(crate) fn settings(console: &Console) -> Result<Option<Settings>, Failure> {
    Ok(Settings::from_environment(&environment(console))?)
}

/// The environment in the form in which crates/secrets takes it.
pub(crate) fn environment(console: &Console) -> secrets::Environment {
    let variables = console.environment().iter();
    secrets::Environment::new(variables.map(|(name, value)| (OsString::from(name), OsString::from(value))))
}
