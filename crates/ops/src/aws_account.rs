//! The Secrets Manager of the AWS account that the environment names.

use secrets::SecretName;
use secrets::aws::{SecretsManager, Settings};

use crate::console::Console;
use crate::failure::Failure;
use crate::secret_lookup::LookupArguments;
use crate::state_directory::{StateArguments, StateDirectory};

pub(crate) struct AwsAccount {
    /// It logs every change to the state directory.
    pub(crate) manager: SecretsManager,
    pub(crate) state: StateDirectory,
    pub(crate) profile: config::Profile,
}

#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct AwsArguments {
    #[command(flatten)]
    pub(crate) lookup: LookupArguments,
    #[command(flatten)]
    pub(crate) state: StateArguments,
}

impl AwsArguments {
    /// Sends no request yet.
    pub(crate) async fn open(&self, console: &Console) -> Result<AwsAccount, Failure> {
        let settings = settings(console)?.ok_or_else(|| {
            let message =
                "SECRET_PREFIX is not set; set it to the prefix of the secrets in AWS, such as prod/rail";
            Failure::Precondition(message.to_owned())
        })?;
        let profile = self.lookup.resolve(console)?.config.profile;
        let state = self.state.open(console)?;
        let manager = SecretsManager::connect(&settings, profile, console.clock()).await?;
        let manager = manager.audit(state.audit(console.clock())?);
        Ok(AwsAccount { manager, state, profile })
    }
}

impl AwsAccount {
    /// Checks the credentials before anything is changed.
    pub(crate) async fn verify(&self, name: &SecretName) -> Result<(), Failure> {
        match self.manager.describe(name).await {
            Ok(_) | Err(secrets::Error::NotFound { .. }) => Ok(()),
            Err(error) => {
                Err(Failure::Precondition(format!("cannot read from AWS Secrets Manager: {error}")))
            }
        }
    }
}

/// The settings of AWS in the environment; `None` if it is not configured.
pub(crate) fn settings(console: &Console) -> Result<Option<Settings>, Failure> {
    let Some(mut settings) = Settings::from_environment(console.environment())? else { return Ok(None) };
    settings.proxy = config::aws_proxy(&config::outbound_proxy(console.environment())?);
    Ok(Some(settings))
}
