//! Where secrets are looked up and under which rules: as the server's settings say, unless an argument overrides them.

use std::path::PathBuf;

use config::{Config, Environment, PROFILE_VARIABLE, Profile};

use crate::console::Console;
use crate::failure::Failure;
use crate::named_values;

/// Arguments that override the settings.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct PlaceArguments {
    /// The profile whose rules apply; by default the server's
    #[arg(long, value_parser = named_values::profile())]
    pub(crate) profile: Option<Profile>,
    /// The directory of secret files; by default the configured one
    #[arg(long, value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
}

/// Where secrets are looked up, and under which rules.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) profile: Profile,
    pub(crate) directory: PathBuf,
    /// Secrets without which the server does not start.
    pub(crate) required: Vec<&'static str>,
}

impl PlaceArguments {
    /// The arguments, and the settings where there is no argument.
    pub(crate) fn resolve(&self, console: &Console) -> Result<Place, Failure> {
        match (load(console.environment(), self.profile), self.profile, &self.directory) {
            (Ok(config), _, directory) => Ok(Place::of(&config, directory.clone())),
            // With both arguments, secrets can be examined although the settings are invalid.
            (Err(_), Some(profile), Some(directory)) => {
                let required = required(profile != Profile::Development);
                Ok(Place { profile, directory: directory.clone(), required })
            }
            (Err(errors), ..) => Err(Failure::Settings(errors)),
        }
    }
}

impl Place {
    /// As a configuration says.
    pub(crate) fn of(config: &Config, directory: Option<PathBuf>) -> Self {
        Self {
            profile: config.profile,
            directory: directory.unwrap_or_else(|| config.secrets_directory.clone()),
            required: required(config.keys_required),
        }
    }
}

/// The settings as the server loads them; `profile` overrides the one of the environment.
pub(crate) fn load(environment: &Environment, profile: Option<Profile>) -> Result<Config, config::Errors> {
    match profile {
        Some(profile) => config::load(&environment.clone().with(PROFILE_VARIABLE, profile.as_str())),
        None => config::load(environment),
    }
}

fn required(keys_required: bool) -> Vec<&'static str> {
    if keys_required { vec![crate::survey::API_KEYS] } else { Vec::new() }
}
