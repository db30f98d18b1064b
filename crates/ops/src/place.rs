//! Where secrets are looked for and under which rules: what the server's settings say, unless the operator says else.

use std::path::PathBuf;

use api_server::config::{self, Config, Environment, Profile};

use crate::command_line;
use crate::console::Console;
use crate::failure::Failure;

/// Names the profile, to the server and to us.
const PROFILE_VARIABLE: &str = "INVESTIQ_PROFILE";

/// What the operator may say.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct PlaceArguments {
    /// The rules to apply; without it those that the server would apply here
    #[arg(long, value_parser = command_line::profile())]
    pub(crate) profile: Option<Profile>,
    /// The directory of secret files; without it the one that the settings name
    #[arg(long, value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
}

/// Where secrets are looked for, and under which rules.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) profile: Profile,
    pub(crate) directory: PathBuf,
    /// Secrets without which the server does not start.
    pub(crate) required: Vec<&'static str>,
}

impl PlaceArguments {
    /// What was said, and what the settings say where nothing was.
    pub(crate) fn resolve(&self, console: &Console) -> Result<Place, Failure> {
        match (load(console.environment(), self.profile), self.profile, &self.directory) {
            (Ok(config), _, directory) => Ok(Place::of(&config, directory.clone())),
            // Broken settings do not hinder a look at secrets whose whereabouts were said in full.
            (Err(_), Some(profile), Some(directory)) => {
                let required = required(profile != Profile::Development);
                Ok(Place { profile, directory: directory.clone(), required })
            }
            (Err(faults), ..) => Err(Failure::Settings(faults)),
        }
    }
}

impl Place {
    /// The place that a configuration names.
    pub(crate) fn of(config: &Config, directory: Option<PathBuf>) -> Self {
        Self {
            profile: config.profile,
            directory: directory.unwrap_or_else(|| config.secrets_directory.clone()),
            required: required(config.keys_required),
        }
    }

    /// The rules, as crates/secrets names them.
    pub(crate) fn rules(&self) -> secrets::Profile {
        secrets::Profile::named(Some(self.profile.as_str()))
    }
}

/// The settings as the server loads them, under a profile that may be another one than the environment's.
pub(crate) fn load(environment: &Environment, profile: Option<Profile>) -> Result<Config, config::Faults> {
    let environment = match profile {
        Some(profile) => under(environment, profile),
        None => environment.clone(),
    };
    config::load(&environment, config::directory(&environment).as_deref())
}

/// The environment, but for the profile that it names.
fn under(environment: &Environment, profile: Profile) -> Environment {
    let others = environment.iter().filter(|(name, _)| *name != PROFILE_VARIABLE);
    others.chain([(PROFILE_VARIABLE, profile.as_str())]).collect()
}

fn required(keys_required: bool) -> Vec<&'static str> {
    if keys_required { vec![crate::survey::API_KEYS] } else { Vec::new() }
}
