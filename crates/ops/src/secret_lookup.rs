//! Where secrets are looked up and under which rules: as the settings say, unless an argument overrides them.

use std::path::{Path, PathBuf};

use config::{Config, Environment, PROFILE_VARIABLE, Profile};

use crate::console::Console;
use crate::failure::Failure;
use crate::named_values;

/// The variable that names the directory of secret files.
const DIRECTORY_VARIABLE: &str = "SECRETS_DIR";

#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct LookupArguments {
    /// Profile whose rules apply [default: the profile of the server]
    #[arg(long, value_parser = named_values::profile())]
    pub(crate) profile: Option<Profile>,
    /// Directory of secret files [default: that of the server: SECRETS_DIR, or in development `secrets`]
    #[arg(long, value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
}

/// The environment of the server, with the arguments in the place of its variables.
#[derive(Clone, Debug)]
pub(crate) struct SecretLookup {
    pub(crate) environment: Environment,
    pub(crate) config: Config,
}

/// The directory that files are written to and read from: the one that is given, else the server's in this environment.
pub(crate) fn directory(given: Option<&Path>, console: &Console) -> PathBuf {
    given.map_or_else(|| config::load_all(console.environment()).0.secrets_directory, Path::to_path_buf)
}

impl LookupArguments {
    pub(crate) fn resolve(&self, console: &Console) -> Result<SecretLookup, Failure> {
        let profile = self.profile.map(|profile| (PROFILE_VARIABLE, profile.as_str().to_owned()));
        // A profile that is named here decides the rules, and not the place.
        let is_given = self.directory.is_some() || self.profile.is_some();
        let directory = is_given.then(|| directory(self.directory.as_deref(), console));
        let directory = directory.map(|path| (DIRECTORY_VARIABLE, path.to_string_lossy().into_owned()));
        let given = profile.into_iter().chain(directory);
        let environment = given
            .fold(console.environment().clone(), |environment, (name, value)| environment.with(name, &value));
        // With both arguments, secrets can be checked although other settings are invalid.
        let config = match (self.profile, &self.directory) {
            (Some(_), Some(_)) => config::load_all(&environment).0,
            (_, _) => config::load(&environment)?,
        };
        Ok(SecretLookup { environment, config })
    }
}
