//! Where secrets are looked up and under which rules: as the settings say, unless an argument overrides them.

use std::path::PathBuf;

use config::{Config, PROFILE_VARIABLE, Profile};

use crate::api_key_list::API_KEYS;
use crate::console::Console;
use crate::failure::Failure;
use crate::named_values;

#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct LookupArguments {
    /// Profile whose rules apply [default: the profile of the server]
    #[arg(long, value_parser = named_values::profile())]
    pub(crate) profile: Option<Profile>,
    /// Directory of secret files [default: SECRETS_DIR, as for the server]
    #[arg(long, value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
}

#[derive(Clone, Debug)]
pub(crate) struct SecretLookup {
    pub(crate) profile: Profile,
    pub(crate) directory: PathBuf,
    /// Secrets without which the server does not start.
    pub(crate) required: Vec<&'static str>,
}

impl LookupArguments {
    pub(crate) fn resolve(&self, console: &Console) -> Result<SecretLookup, Failure> {
        let environment = console.environment().clone();
        let environment = match self.profile {
            Some(profile) => environment.with(PROFILE_VARIABLE, profile.as_str()),
            None => environment,
        };
        match (config::load(&environment), self.profile, &self.directory) {
            (Ok(config), _, directory) => Ok(SecretLookup {
                directory: directory.clone().unwrap_or(config.secrets_directory.clone()),
                ..SecretLookup::from_config(&config)
            }),
            // With both arguments, secrets can be checked although the settings are invalid.
            (Err(_), Some(profile), Some(directory)) => {
                let required = required(profile != Profile::Development);
                Ok(SecretLookup { profile, directory: directory.clone(), required })
            }
            (Err(errors), ..) => Err(errors.into()),
        }
    }
}

impl SecretLookup {
    pub(crate) fn from_config(config: &Config) -> Self {
        let required = required(config.keys_required);
        Self { profile: config.profile, directory: config.secrets_directory.clone(), required }
    }
}

fn required(keys_required: bool) -> Vec<&'static str> {
    if keys_required { vec![API_KEYS] } else { Vec::new() }
}
